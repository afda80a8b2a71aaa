//! A sheet of paper with a voucher's code, for people without a phone (补打): A5, an SVG with its text as text, in whatever font the
//! printing machine has for Chinese. Whoever finds it reads a masked name and no number.

use hefu_domain::{Instant, Programme, VoucherKind};
use hefu_token::Claims;

use super::qr::Code;

const FONTS: &str = "'Noto Sans CJK SC','Source Han Sans SC','Microsoft YaHei','PingFang SC',SimHei,SimSun,sans-serif";
/// A5, in millimetres.
const WIDTH: u32 = 148;
const HEIGHT: u32 = 210;
/// The code's side with its quiet zone, in millimetres: a module is about 0.8 mm wide.
const CODE: u32 = 88;

/// What stands on a sheet.
pub(super) struct Sheet<'a> {
    /// The voucher's name.
    pub(super) voucher: &'a str,
    /// What the token says.
    pub(super) claims: &'a Claims,
    /// Whose it is, masked.
    pub(super) masked_holder: &'a str,
    /// From then on it can expire, if it can.
    pub(super) due: Option<Instant>,
}

impl Sheet<'_> {
    /// The sheet as SVG.
    pub(super) fn svg(&self, code: &Code) -> String {
        let title = match self.claims.kind {
            VoucherKind::Training => "职业技能培训电子券",
            VoucherKind::Assessment => "职业技能评价电子券",
        };
        let until = last_day(Instant(self.claims.exp * 1_000));
        let until = self.due.map(last_day).map_or(until, |due| due.min(until));
        let lines = [
            ("券号", self.claims.jti.to_string()),
            ("地区", self.claims.region.to_string()),
            ("项目", programme(self.claims.prg).to_owned()),
            ("持券人", self.masked_holder.to_owned()),
            ("最高补贴", format!("{} 元", self.claims.cap)),
            ("使用期至", until.to_string()),
            (
                "第几次打印",
                format!("第 {} 张,此前各张作废", self.claims.serial),
            ),
        ];
        let (middle, side) = (WIDTH / 2, code.side());
        let mut svg = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}mm\" height=\"{HEIGHT}mm\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"{FONTS}\">\n\
             <title>{}</title>\n\
             <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"#fff\"/>\n\
             <text x=\"{middle}\" y=\"16\" font-size=\"8\" text-anchor=\"middle\">{title}</text>\n\
             <svg x=\"{}\" y=\"22\" width=\"{CODE}\" height=\"{CODE}\" viewBox=\"0 0 {side} {side}\">\n{}</svg>\n",
            escaped(self.voucher),
            (WIDTH - CODE) / 2,
            code.drawing(),
        );
        let mut y = 22 + CODE + 8;
        for (label, value) in lines {
            svg.push_str(&format!(
                "<text x=\"14\" y=\"{y}\" font-size=\"4.2\">{label}</text>\n\
                 <text x=\"42\" y=\"{y}\" font-size=\"4.2\">{}</text>\n",
                escaped(&value)
            ));
            y += 8;
        }
        for note in NOTES {
            y += 6;
            svg.push_str(&format!(
                "<text x=\"14\" y=\"{y}\" font-size=\"3.4\">{note}</text>\n"
            ));
        }
        svg.push_str("</svg>\n");
        svg
    }
}

/// What its holder should know: it is used in person, cannot be given away, and is nobody's money.
const NOTES: [&str; 3] = [
    "报名时出示本券和本人身份证件,由培训机构扫码核验。",
    "本券仅限本人使用,不得转让、买卖,不兑换现金。",
    "遗失请到经办窗口重新打印,原券同时作废。",
];

/// The last day before an instant at which something ends.
fn last_day(end: Instant) -> hefu_domain::Date {
    Instant(end.0 - 1).date()
}

/// What the notice calls a programme.
fn programme(programme: Programme) -> &'static str {
    match programme {
        Programme::OrderProject => "订单式、项目制培训",
        Programme::EnterpriseStaff => "企业职工培训",
        Programme::General => "广大劳动者普惠制培训",
        Programme::Apprenticeship => "新型学徒制培训",
        Programme::Entrepreneurship => "创业培训",
        Programme::Assessment => "职业技能评价取证",
    }
}

/// Text between tags.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use hefu_token::{Status, StatusReference};

    fn claims() -> Claims {
        Claims {
            iss: "hefu.example.cn".to_owned(),
            jti: "0190a5e0-0000-7000-8000-000000000001".parse().unwrap(),
            iat: 1_685_577_600,
            // 2024-04-01T00:00 in Asia/Shanghai.
            exp: 1_711_900_800,
            region: "140725".parse().unwrap(),
            prg: Programme::General,
            kind: VoucherKind::Training,
            cap: hefu_domain::Fen::yuan(1_000),
            hb: hefu_domain::Tag([1; 16]),
            serial: 2,
            status: Status {
                status_list: StatusReference {
                    idx: 7,
                    uri: "https://hefu.example.cn/status/140725/0".to_owned(),
                },
            },
        }
    }

    fn sheet(masked_holder: &str, due: Option<i64>) -> String {
        let sheet = Sheet {
            voucher: "regions/140725/vouchers/0190a5e0-0000-7000-8000-000000000001",
            claims: &claims(),
            masked_holder,
            due: due.map(Instant),
        };
        sheet.svg(&Code::of("a token").unwrap())
    }

    #[test]
    fn a_sheet_says_in_text_what_its_holder_and_a_clerk_need() {
        // 2023-12-01T00:00 in Asia/Shanghai.
        let svg = sheet("张*", Some(1_701_360_000_000));
        for said in [
            "职业技能培训电子券",
            "0190a5e0-0000-7000-8000-000000000001",
            "广大劳动者普惠制培训",
            "张*",
            "1000.00 元",
            "2023-11-30",
            "第 2 张,此前各张作废",
        ] {
            assert!(svg.contains(said), "{said} is not on the sheet");
        }
        assert!(sheet("张*", None).contains("2024-03-31"));
    }

    #[test]
    fn a_name_is_text_and_never_markup() {
        let svg = sheet("<b>&*", None);
        assert!(svg.contains("&lt;b&gt;&amp;*") && !svg.contains("<b>"));
    }
}
