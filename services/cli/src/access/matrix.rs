//! `hefu access matrix`: the table by which the server decides who may call what, and how far they reach.

use anyhow::Context;
use comfy_table::{Table, presets};
use hefu_domain::{Door, ROLES, Role, Rpc};
use serde_json::{Map, Value, json};

use crate::call::pool;

/// How the table is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Text,
    Json,
    Markdown,
}

/// Prints the table.
pub(crate) fn print(form: Form) -> anyhow::Result<()> {
    let rows = rows()?;
    match form {
        Form::Text => println!("{}", text(&rows)),
        Form::Json => println!("{}", serde_json::to_string_pretty(&as_json(&rows))?),
        Form::Markdown => print!("{}", markdown(&rows)),
    }
    Ok(())
}

/// One RPC, and whether it has a batch twin, which takes the same row.
struct Row {
    rpc: Rpc,
    batch: bool,
}

fn rows() -> anyhow::Result<Vec<Row>> {
    let pool = pool()?;
    let row = |rpc: &Rpc| {
        let service = format!("voucher.v1.{}", rpc.service());
        let service = pool.get_service_by_name(&service);
        let service = service.with_context(|| format!("no service {}", rpc.service()))?;
        let twin = format!("Batch{}", rpc.name());
        let batch = service.methods().any(|method| method.name() == twin);
        Ok(Row { rpc: *rpc, batch })
    };
    rpcs().map(row).collect()
}

/// What can be called.
fn rpcs() -> impl Iterator<Item = &'static Rpc> {
    let all = Rpc::ALL.iter();
    all.filter(|rpc| rpc.door() != Door::Inside)
}

fn role(role: Role) -> String {
    let name = serde_json::to_value(role).ok();
    let name = name.as_ref().and_then(Value::as_str);
    name.unwrap_or_default().to_owned()
}

/// What somebody without a grant may do.
fn public(rpc: Rpc) -> &'static str {
    match rpc.door() {
        Door::Open => "public",
        Door::AnyKey => "any key",
        Door::Granted | Door::Inside => "",
    }
}

fn scope(rpc: Rpc, role: Role) -> &'static str {
    rpc.scope(role).map_or("", |scope| scope.as_str())
}

fn header() -> Vec<String> {
    let mut header = vec!["RPC".to_owned(), "batch".to_owned(), "public".to_owned()];
    header.extend(ROLES.iter().map(|of| role(*of)));
    header.push("note".to_owned());
    header
}

fn cells(row: &Row) -> Vec<&'static str> {
    let mut cells = vec![
        row.rpc.name(),
        if row.batch { "yes" } else { "" },
        public(row.rpc),
    ];
    cells.extend(ROLES.iter().map(|role| scope(row.rpc, *role)));
    cells.push(row.rpc.note());
    cells
}

/// The rows by service, in the table's order.
fn by_service(rows: &[Row]) -> impl Iterator<Item = &[Row]> {
    rows.chunk_by(|one, next| one.rpc.service() == next.rpc.service())
}

fn text(rows: &[Row]) -> String {
    let tables = by_service(rows).map(|rows| {
        let mut table = Table::new();
        table
            .load_style(presets::UTF8_BORDERS_ONLY)
            .set_header(header());
        for row in rows {
            table.add_row(cells(row));
        }
        let service = rows.first().map_or("", |row| row.rpc.service());
        format!("{service}\n{table}")
    });
    tables.collect::<Vec<_>>().join("\n\n")
}

fn as_json(rows: &[Row]) -> Value {
    let row = |row: &Row| {
        let scopes = ROLES.iter().filter_map(|of| {
            let scope = row.rpc.scope(*of)?;
            Some((role(*of), scope.as_str().into()))
        });
        json!({
            "service": row.rpc.service(),
            "rpc": row.rpc.name(),
            "batch": row.batch,
            "writes": row.rpc.is_move(),
            "public": public(row.rpc),
            "scopes": scopes.collect::<Map<String, Value>>(),
            "note": row.rpc.note(),
        })
    };
    rows.iter().map(row).collect()
}

fn markdown(rows: &[Row]) -> String {
    let line = |cells: &[&str]| format!("| {} |\n", cells.join(" | "));
    let header = header();
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let mut out = String::new();
    for rows in by_service(rows) {
        let service = rows.first().map_or("", |row| row.rpc.service());
        out.push_str(&format!("\n## {service}\n\n"));
        out.push_str(&line(&header));
        out.push_str(&line(&vec!["---"; header.len()]));
        rows.iter().for_each(|row| out.push_str(&line(&cells(row))));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every RPC of the descriptors as (service, method).
    fn described() -> std::collections::BTreeSet<(String, String)> {
        let pool = pool().unwrap();
        let services = pool
            .services()
            .filter(|service| service.package_name() == "voucher.v1");
        let methods = services.flat_map(|service| {
            let name = service.name().to_owned();
            let methods: Vec<_> = service.methods().collect();
            methods
                .into_iter()
                .map(move |method| (name.clone(), method.name().to_owned()))
        });
        methods.collect()
    }

    /// A new RPC takes a row in `services/domain/src/access/table.rs`.
    #[test]
    fn every_rpc_has_a_row_and_every_row_an_rpc() {
        let described = described();
        assert!(described.len() > 100, "{}", described.len());
        for (service, method) in &described {
            let row = Rpc::named(service, method);
            assert!(
                row.is_some(),
                "{service}/{method} has no row in the table of access"
            );
        }
        for rpc in rpcs() {
            let place = (rpc.service().to_owned(), rpc.name().to_owned());
            assert!(described.contains(&place), "{place:?} is no RPC");
        }
    }

    /// Written anew by `hefu access matrix --markdown`, below the head.
    #[test]
    fn the_documented_table_is_the_one_that_decides() {
        let document = include_str!("../../../../docs/ACCESS.md");
        let (_, table) = document.split_once("\n## ").unwrap();
        let told = markdown(&rows().unwrap());
        assert_eq!(format!("\n## {table}"), told);
    }

    #[test]
    fn the_table_is_printed_whole_in_every_form() {
        let rows = rows().unwrap();
        let (text, json) = (text(&rows), as_json(&rows));
        assert_eq!(json.as_array().unwrap().len(), rpcs().count());
        for rpc in rpcs() {
            assert!(text.contains(rpc.name()), "{rpc:?}");
        }
        let redeem = json.as_array().unwrap().iter();
        let redeem = redeem
            .filter(|row| row["rpc"] == "Redeem")
            .collect::<Vec<_>>();
        assert_eq!(redeem[0]["batch"], true);
        assert_eq!(
            redeem[0]["scopes"],
            json!({"institution": "institution", "assessor": "institution"})
        );
    }
}
