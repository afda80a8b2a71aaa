//! Reads. What the caller may not see does not exist for them: NOT_FOUND, or left out of the list.

use std::collections::BTreeMap;

use hefu_domain::state::{
    Credential, Fact, LateRequest, Occasion, Role, TrainingClass, Voucher, VoucherState,
};
use hefu_domain::{
    BadCode, Code, CredentialId, Days, Instant, Key, Region, SkillLevel, Stop, World,
};
use hefu_engine::rows;
use hefu_store::{ListQuery, Row, Scope, Table};
use hefu_wire::{names, show, v1};
use tonic::{Request, Status};

use crate::api::{Api, bad};
use crate::{caller, errors};

const DEFAULT_PAGE: u32 = 100;
const MOST_PAGE: u32 = 1_000;

/// A page asked for.
struct Page {
    size: u32,
    after: Option<(String, String)>,
}

impl Api {
    /// The caller's grant in a region, in force now.
    async fn grant(&self, region: &Region, by: &CredentialId) -> Result<Credential, Status> {
        let by = by.clone();
        let grant = self
            .engine
            .inspect(region, move |world, at| in_force(world, &by, at).cloned())
            .await;
        grant.map_err(errors::status)?.map_err(errors::stop)
    }

    /// A staff member of the bureau, or nobody.
    pub(crate) async fn staff<T>(
        &self,
        request: &Request<T>,
        region: &Region,
    ) -> Result<(), Status> {
        let grant = self.grant(region, &caller::of(request)?).await?;
        if is_staff(&grant) {
            Ok(())
        } else {
            Err(errors::stop(Code::RoleMissing.into()))
        }
    }

    /// One fact, if the caller may see it.
    async fn fact<T>(
        &self,
        by: CredentialId,
        region: &Region,
        read: impl Fn(&World) -> Result<T, Stop>,
        sees: impl Fn(&World, &Credential, &T) -> Result<bool, Stop>,
        hidden: Code,
    ) -> Result<T, Status> {
        let answer = self.engine.inspect(region, |world, at| {
            let grant = in_force(world, &by, at)?;
            let fact = read(world)?;
            if is_staff(grant) || sees(world, grant, &fact)? {
                Ok(fact)
            } else {
                Err(hidden.into())
            }
        });
        answer.await.map_err(errors::status)?.map_err(errors::stop)
    }

    /// A page of rows of one table.
    async fn page(
        &self,
        table: Table,
        region: &Region,
        equals: Vec<(&'static str, String)>,
        list: &str,
        page: &Page,
    ) -> Result<(Vec<Row>, String), Status> {
        let equals: Vec<_> = equals
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .collect();
        let scope = Scope::Region(region.to_string());
        let query = ListQuery {
            table,
            scope,
            equals,
            due_before: None,
            after: page.after.clone(),
            limit: page.size,
        };
        let rows = self
            .engine
            .store()
            .list(&query)
            .await
            .map_err(errors::store)?;
        let full = u32::try_from(rows.len()).is_ok_and(|count| count == page.size);
        let next = rows.last().filter(|_| full).map(|row| {
            self.engine
                .people()
                .secrets()
                .page_seal(list, format!("{}\n{}", row.region, row.id).as_bytes())
        });
        Ok((rows, next.unwrap_or_default()))
    }

    /// Reads page size and token; a token of another list, or one that somebody made, is refused.
    fn page_of(&self, list: &str, size: u32, token: &str) -> Result<Page, Status> {
        let size = match size {
            0 => DEFAULT_PAGE,
            size => size.min(MOST_PAGE),
        };
        if token.is_empty() {
            return Ok(Page { size, after: None });
        }
        let opened = self
            .engine
            .people()
            .secrets()
            .page_open(list, token)
            .and_then(|bytes| String::from_utf8(bytes).ok());
        let after = opened
            .as_deref()
            .and_then(|text| text.split_once('\n'))
            .map(|(region, id)| (region.to_owned(), id.to_owned()));
        after
            .map(|after| Page {
                size,
                after: Some(after),
            })
            .ok_or_else(|| {
                bad(
                    "page_token",
                    "must be the token of the page before, of the same list",
                )
            })
    }

    pub(crate) async fn get_voucher(
        &self,
        request: Request<v1::GetVoucherRequest>,
    ) -> Result<v1::Voucher, Status> {
        let (region, id) = child(&request.get_ref().name, "name", "vouchers")?;
        let voucher = self
            .fact(
                caller::of(&request)?,
                &region,
                |w| w.voucher(&id).cloned(),
                sees_voucher,
                Code::VoucherNotFound,
            )
            .await?;
        let key = rows::fact_key(region.as_str(), &Key::Voucher(id));
        let version = self
            .engine
            .store()
            .load(&[key])
            .await
            .map_err(errors::store)?
            .first()
            .map_or(0, |row| row.version);
        Ok(show::voucher(&region, &id.to_string(), version, &voucher))
    }

    pub(crate) async fn list_vouchers(
        &self,
        request: Request<v1::ListVouchersRequest>,
    ) -> Result<v1::ListVouchersResponse, Status> {
        let asked = request.get_ref();
        let region = parent(&asked.parent)?;
        let grant = self.grant(&region, &caller::of(&request)?).await?;
        let last = |name: &str| name.rsplit('/').next().unwrap_or_default().to_owned();
        let year = if asked.plan_year == 0 {
            String::new()
        } else {
            asked.plan_year.to_string()
        };
        let equals = vec![
            ("state", asked.state.clone()),
            ("year", year),
            ("occasion", last(&asked.occasion)),
            ("sheet", last(&asked.sheet)),
            ("person", last(&asked.person)),
        ];
        let list = format!("vouchers/{region}/{equals:?}");
        let page = self.page_of(&list, asked.page_size, &asked.page_token)?;
        let (rows, next_page_token) = self
            .page(Table::Voucher, &region, equals, &list, &page)
            .await?;
        let mut vouchers = Vec::with_capacity(rows.len());
        for row in rows {
            let Fact::Voucher(voucher) = rows::fact(&row).map_err(errors::store)? else {
                continue;
            };
            let visible = is_staff(&grant) || {
                let grant = grant.clone();
                let shown = voucher.clone();
                let seen = self
                    .engine
                    .inspect(&region, move |world, _| sees_voucher(world, &grant, &shown))
                    .await;
                seen.map_err(errors::status)?.map_err(errors::stop)?
            };
            if visible {
                vouchers.push(show::voucher(&region, &row.id, row.version, &voucher));
            }
        }
        Ok(v1::ListVouchersResponse {
            vouchers,
            next_page_token,
        })
    }

    pub(crate) async fn get_class(
        &self,
        request: Request<v1::GetClassRequest>,
    ) -> Result<v1::TrainingClass, Status> {
        let (region, id) = child(&request.get_ref().name, "name", "classes")?;
        type Found = (TrainingClass, BTreeMap<u16, LateRequest>);
        let sees = |_: &World, grant: &Credential, (class, _): &Found| Ok(is_party(grant, class));
        let (class, late) = self
            .fact(
                caller::of(&request)?,
                &region,
                |w| {
                    Ok((
                        w.class(&id)?.clone(),
                        w.attendance(&id)?.late_requests.clone(),
                    ))
                },
                sees,
                Code::ClassNotFound,
            )
            .await?;
        Ok(v1::TrainingClass {
            late_entries: show::late_entries(&late),
            ..show::class(&region, &id.to_string(), &class)
        })
    }

    pub(crate) async fn list_classes(
        &self,
        request: Request<v1::ListClassesRequest>,
    ) -> Result<v1::ListClassesResponse, Status> {
        let asked = request.get_ref();
        let region = parent(&asked.parent)?;
        let grant = self.grant(&region, &caller::of(&request)?).await?;
        let deliverer = asked
            .deliverer
            .rsplit('/')
            .next()
            .unwrap_or_default()
            .to_owned();
        let equals = vec![("state", asked.state.clone()), ("deliverer", deliverer)];
        let list = format!("classes/{region}/{equals:?}");
        let page = self.page_of(&list, asked.page_size, &asked.page_token)?;
        let (rows, next_page_token) = self
            .page(Table::Class, &region, equals, &list, &page)
            .await?;
        let mut classes = Vec::with_capacity(rows.len());
        for row in rows {
            if let Fact::Class(class) = rows::fact(&row).map_err(errors::store)?
                && (is_staff(&grant) || is_party(&grant, &class))
            {
                classes.push(show::class(&region, &row.id, &class));
            }
        }
        Ok(v1::ListClassesResponse {
            classes,
            next_page_token,
        })
    }

    pub(crate) async fn get_session(
        &self,
        request: Request<v1::GetSessionRequest>,
    ) -> Result<v1::AssessmentSession, Status> {
        let (region, id) = child(&request.get_ref().name, "name", "sessions")?;
        let sees = |_: &World, grant: &Credential, session: &hefu_domain::state::Session| {
            Ok(acts_in(grant, session))
        };
        let session = self
            .fact(
                caller::of(&request)?,
                &region,
                |w| w.session(&id).cloned(),
                sees,
                Code::SessionNotFound,
            )
            .await?;
        Ok(show::session(&region, &id.to_string(), &session))
    }

    pub(crate) async fn list_sessions(
        &self,
        request: Request<v1::ListSessionsRequest>,
    ) -> Result<v1::ListSessionsResponse, Status> {
        let asked = request.get_ref();
        let region = parent(&asked.parent)?;
        let grant = self.grant(&region, &caller::of(&request)?).await?;
        let equals = vec![("state", asked.state.clone())];
        let list = format!("sessions/{region}/{equals:?}");
        let page = self.page_of(&list, asked.page_size, &asked.page_token)?;
        let (rows, next_page_token) = self
            .page(Table::AssessmentSession, &region, equals, &list, &page)
            .await?;
        let mut sessions = Vec::with_capacity(rows.len());
        for row in rows {
            if let Fact::Session(session) = rows::fact(&row).map_err(errors::store)?
                && (is_staff(&grant) || acts_in(&grant, &session))
            {
                sessions.push(show::session(&region, &row.id, &session));
            }
        }
        Ok(v1::ListSessionsResponse {
            sessions,
            next_page_token,
        })
    }

    pub(crate) async fn get_sheet(
        &self,
        request: Request<v1::GetSheetRequest>,
    ) -> Result<v1::Sheet, Status> {
        let (region, id) = child(&request.get_ref().name, "name", "sheets")?;
        let sees = |_: &World, grant: &Credential, sheet: &hefu_domain::state::Sheet| {
            Ok(grant.institution.as_ref() == Some(&sheet.payee))
        };
        let sheet = self
            .fact(
                caller::of(&request)?,
                &region,
                |w| w.sheet(&id).cloned(),
                sees,
                Code::SheetNotFound,
            )
            .await?;
        Ok(show::sheet(&region, &id.to_string(), &sheet))
    }

    pub(crate) async fn list_sheets(
        &self,
        request: Request<v1::ListSheetsRequest>,
    ) -> Result<v1::ListSheetsResponse, Status> {
        let asked = request.get_ref();
        let region = parent(&asked.parent)?;
        let grant = self.grant(&region, &caller::of(&request)?).await?;
        let payee = match (&grant.institution, is_staff(&grant)) {
            (Some(own), false) => own.to_string(),
            _ => asked
                .payee
                .rsplit('/')
                .next()
                .unwrap_or_default()
                .to_owned(),
        };
        if payee.is_empty() && !is_staff(&grant) {
            return Ok(v1::ListSheetsResponse::default());
        }
        let equals = vec![("state", asked.state.clone()), ("payee", payee)];
        let list = format!("sheets/{region}/{equals:?}");
        let page = self.page_of(&list, asked.page_size, &asked.page_token)?;
        let (rows, next_page_token) = self
            .page(Table::Sheet, &region, equals, &list, &page)
            .await?;
        let mut sheets = Vec::with_capacity(rows.len());
        for row in rows {
            if let Fact::Sheet(sheet) = rows::fact(&row).map_err(errors::store)? {
                sheets.push(show::sheet(&region, &row.id, &sheet));
            }
        }
        Ok(v1::ListSheetsResponse {
            sheets,
            next_page_token,
        })
    }

    pub(crate) async fn quote(
        &self,
        request: Request<v1::QuoteRequest>,
    ) -> Result<v1::QuoteResponse, Status> {
        let asked = request.get_ref();
        let region = parent(&asked.parent)?;
        let by = caller::of(&request)?;
        let entitlement = if asked.voucher.is_empty() {
            let case = supposed(asked)?;
            let answer = self.engine.inspect(&region, |world, at| {
                in_force(world, &by, at)?;
                let (_, policy) = world.policy(case.year, at)?;
                hefu_domain::subsidy::quote(
                    policy,
                    case.programme,
                    case.level,
                    case.days,
                    case.employment,
                )
            });
            answer
                .await
                .map_err(errors::status)?
                .map_err(errors::stop)?
        } else {
            let (of, id) = child(&asked.voucher, "voucher", "vouchers")?;
            if of != region {
                return Err(bad("voucher", format!("must be of region {region}")));
            }
            let read = |world: &World| world.voucher(&id).cloned();
            self.fact(by, &region, read, sees_voucher, Code::VoucherNotFound)
                .await?;
            let answer = self
                .engine
                .inspect(&region, |world, at| hefu_domain::quote(world, id, at))
                .await;
            answer.map_err(errors::status)?.map_err(errors::stop)?
        };
        Ok(v1::QuoteResponse {
            amount_fen: entitlement.amount.0,
            trail: show::trail(&entitlement.trail),
        })
    }

    pub(crate) async fn get_plan_year(
        &self,
        request: Request<v1::GetPlanYearRequest>,
    ) -> Result<v1::PlanYear, Status> {
        let (region, year) = names::parse_year(&request.get_ref().name, "planYears")
            .map_err(|rule| bad("name", rule))?;
        let nobody = |_: &World, _: &Credential, _: &hefu_domain::state::YearState| Ok(false);
        let state = self
            .fact(
                caller::of(&request)?,
                &region,
                |w| w.year(&year).cloned(),
                nobody,
                Code::PlanYearNotOpen,
            )
            .await?;
        Ok(show::year(&region, year, &state))
    }

    pub(crate) async fn list_accounts(
        &self,
        request: Request<v1::ListAccountsRequest>,
    ) -> Result<v1::ListAccountsResponse, Status> {
        let region = parent(&request.get_ref().parent)?;
        self.staff(&request, &region).await?;
        let page = Page {
            size: MOST_PAGE,
            after: None,
        };
        let (rows, _) = self
            .page(Table::Account, &region, Vec::new(), "accounts", &page)
            .await?;
        let mut accounts = Vec::with_capacity(rows.len());
        for row in rows {
            let key = format!(
                "{}/accounts/{}",
                row.columns[0].as_deref().unwrap_or_default(),
                row.columns[1].as_deref().unwrap_or_default()
            );
            let name = format!("regions/{region}/planYears/{key}");
            let (_, year, source) = names::parse_account(&name).map_err(|_| errors::internal())?;
            if let Fact::Account(account) = rows::fact(&row).map_err(errors::store)? {
                accounts.push(show::account(&region, year, &source, &account));
            }
        }
        Ok(v1::ListAccountsResponse { accounts })
    }

    pub(crate) async fn get_person(
        &self,
        request: Request<v1::GetPersonRequest>,
    ) -> Result<v1::Person, Status> {
        let (region, id): (Region, hefu_domain::PersonId) =
            child(&request.get_ref().name, "name", "people")?;
        let own = move |_: &World, grant: &Credential, _: &hefu_domain::state::Person| {
            Ok(grant.holder == Some(id))
        };
        let person = self
            .fact(
                caller::of(&request)?,
                &region,
                |w| w.person(&id).cloned(),
                own,
                Code::PersonNotFound,
            )
            .await?;
        let mut reads = self
            .engine
            .store()
            .deciding()
            .await
            .map_err(errors::store)?;
        let records = self
            .engine
            .people()
            .records(&mut reads, &[(region.clone(), id)])
            .await
            .map_err(errors::status)?;
        let record = records.get(&(region.clone(), id));
        Ok(v1::Person {
            name: names::child(&region, "people", id),
            masked_identity_number: record.map(|r| r.identity.to_string()).unwrap_or_default(),
            masked_name: record.map(|r| r.name.to_string()).unwrap_or_default(),
            masked_phone: record
                .and_then(|r| r.phone.as_ref())
                .map(ToString::to_string)
                .unwrap_or_default(),
            answers: show::answers(&region, &person),
        })
    }

    pub(crate) async fn get_institution(
        &self,
        request: Request<v1::GetInstitutionRequest>,
    ) -> Result<v1::Institution, Status> {
        let (region, id): (Region, hefu_domain::InstitutionId) =
            child(&request.get_ref().name, "name", "institutions")?;
        let everybody = |_: &World, _: &Credential, _: &hefu_domain::state::Institution| Ok(true);
        let read = |world: &World| world.institution(&id).cloned();
        let institution = self
            .fact(
                caller::of(&request)?,
                &region,
                read,
                everybody,
                Code::InstitutionNotFound,
            )
            .await?;
        Ok(show::institution(&region, id.as_str(), &institution))
    }

    pub(crate) async fn list_institutions(
        &self,
        request: Request<v1::ListInstitutionsRequest>,
    ) -> Result<v1::ListInstitutionsResponse, Status> {
        let asked = request.get_ref();
        let region = parent(&asked.parent)?;
        self.grant(&region, &caller::of(&request)?).await?;
        let list = format!("institutions/{region}");
        let page = self.page_of(&list, asked.page_size, &asked.page_token)?;
        let (rows, next_page_token) = self
            .page(Table::Institution, &region, Vec::new(), &list, &page)
            .await?;
        let mut institutions = Vec::with_capacity(rows.len());
        for row in rows {
            if let Fact::Institution(institution) = rows::fact(&row).map_err(errors::store)? {
                institutions.push(show::institution(&region, &row.id, &institution));
            }
        }
        Ok(v1::ListInstitutionsResponse {
            institutions,
            next_page_token,
        })
    }

    pub(crate) async fn get_policy(
        &self,
        request: Request<v1::GetPolicyRequest>,
    ) -> Result<v1::Policy, Status> {
        let (region, year) = names::parse_year(&request.get_ref().name, "policies")
            .map_err(|rule| bad("name", rule))?;
        // What is in force is public.
        let answer = self.engine.inspect(&region, |world, at| {
            let in_force = world
                .policies(&year)?
                .versions
                .iter()
                .rev()
                .find(|adopted| adopted.effective <= at);
            in_force.cloned().ok_or_else(|| Code::PolicyMissing.into())
        });
        Ok(show::policy(
            &region,
            &answer
                .await
                .map_err(errors::status)?
                .map_err(errors::stop)?,
        ))
    }

    pub(crate) async fn list_regions(
        &self,
        _: Request<v1::ListRegionsRequest>,
    ) -> Result<v1::ListRegionsResponse, Status> {
        let query = ListQuery {
            table: Table::RegionState,
            scope: Scope::Under(vec![String::new()]),
            equals: Vec::new(),
            due_before: None,
            after: None,
            limit: MOST_PAGE,
        };
        let mut regions = Vec::new();
        for row in self
            .engine
            .store()
            .list(&query)
            .await
            .map_err(errors::store)?
        {
            if let (Ok(code), Fact::Region(state)) =
                (row.region.parse(), rows::fact(&row).map_err(errors::store)?)
            {
                regions.push(show::region(&code, &state));
            }
        }
        Ok(v1::ListRegionsResponse { regions })
    }

    pub(crate) async fn list_callers(
        &self,
        request: Request<v1::ListCallersRequest>,
    ) -> Result<v1::ListCallersResponse, Status> {
        let asked = request.get_ref();
        let region = parent(&asked.parent)?;
        self.staff(&request, &region).await?;
        let list = format!("credentials/{region}");
        let page = self.page_of(&list, asked.page_size, &asked.page_token)?;
        let (rows, next_page_token) = self
            .page(Table::Credential, &region, Vec::new(), &list, &page)
            .await?;
        let mut callers = Vec::with_capacity(rows.len());
        for row in rows {
            if let Fact::Credential(credential) = rows::fact(&row).map_err(errors::store)? {
                callers.push(show::caller(&region, &row.id, &credential));
            }
        }
        Ok(v1::ListCallersResponse {
            callers,
            next_page_token,
        })
    }
}

/// The caller's grant, in force now.
fn in_force<'w>(world: &'w World, by: &CredentialId, at: Instant) -> Result<&'w Credential, Stop> {
    world.state_of_region()?;
    let grant = match world.get(&Key::Credential(by.clone()))? {
        Some(Fact::Credential(grant)) => grant,
        _ => return Err(Code::CallerUnknown.into()),
    };
    let over = grant.revoked.is_some_and(|revoked| revoked <= at)
        || grant.expires.is_some_and(|expires| expires <= at);
    if over {
        Err(Code::CallerRevoked.into())
    } else {
        Ok(grant)
    }
}

/// The bureau's own people and its auditors see their whole region.
fn is_staff(grant: &Credential) -> bool {
    grant.roles.iter().any(|role| match role {
        Role::Clerk
        | Role::Reviewer
        | Role::Finance
        | Role::Supervisor
        | Role::Auditor
        | Role::Operator => true,
        Role::Holder | Role::Institution | Role::Assessor => false,
    })
}

fn is_party(grant: &Credential, class: &hefu_domain::state::TrainingClass) -> bool {
    let filing = &class.filing;
    grant
        .institution
        .as_ref()
        .is_some_and(|own| [&filing.deliverer, &filing.payee, &filing.sponsor].contains(&own))
}

fn acts_in(grant: &Credential, session: &hefu_domain::state::Session) -> bool {
    grant
        .institution
        .as_ref()
        .is_some_and(|own| [&session.filing.body, &session.filing.payee].contains(&own))
}

/// Holders see their own; the portal sees whom it speaks for by name; institutions see their people and their classes'.
fn sees_voucher(world: &World, grant: &Credential, voucher: &Voucher) -> Result<bool, Stop> {
    if grant.roles.contains(&Role::Holder) {
        return Ok(grant.holder.is_none_or(|holder| holder == voucher.person));
    }
    if voucher.hands.applied == grant.person
        || (voucher.employer.is_some() && voucher.employer == grant.institution)
    {
        return Ok(true);
    }
    let occasion = match &voucher.state {
        VoucherState::Enrolled { class, .. } => Some(Occasion::Class(*class)),
        VoucherState::Completed { occasion, .. }
        | VoucherState::Claimed { occasion, .. }
        | VoucherState::Approved { occasion, .. }
        | VoucherState::Paid { occasion, .. } => Some(*occasion),
        VoucherState::WrittenOff { sheet } => {
            return Ok(grant.institution.as_ref() == Some(&world.sheet(sheet)?.payee));
        }
        VoucherState::Applied | VoucherState::Issued | VoucherState::Ended { .. } => None,
    };
    Ok(match occasion {
        Some(Occasion::Class(id)) => is_party(grant, world.class(&id)?),
        Some(Occasion::Session(id)) => acts_in(grant, world.session(&id)?),
        None => false,
    })
}

/// A case that is only supposed.
struct Supposed {
    year: hefu_domain::PlanYear,
    programme: hefu_domain::Programme,
    level: Option<SkillLevel>,
    days: Days,
    employment: Option<(u32, u32)>,
}

fn supposed(asked: &v1::QuoteRequest) -> Result<Supposed, Status> {
    let year = u16::try_from(asked.plan_year)
        .ok()
        .and_then(|year| hefu_domain::PlanYear::try_from(year).ok());
    let level = u8::try_from(asked.skill_level).ok();
    let level = if asked.skill_level == 0 {
        None
    } else {
        Some(
            level
                .and_then(|l| SkillLevel::try_from(l).ok())
                .ok_or_else(|| bad("skill_level", "1 to 8"))?,
        )
    };
    Ok(Supposed {
        year: year.ok_or_else(|| bad("plan_year", "a plan year"))?,
        programme: show::domain_programme(asked.programme())
            .ok_or_else(|| bad("programme", "must be said"))?,
        level,
        days: Days(u16::try_from(asked.days).map_err(|_| bad("days", "at most 65535"))?),
        employment: (asked.trained > 0).then_some((asked.employed, asked.trained)),
    })
}

/// Reads `regions/{code}` of a `parent` field.
pub(crate) fn parent(name: &str) -> Result<Region, Status> {
    names::parse_region(name).map_err(|rule| bad("parent", rule))
}

/// Reads `regions/{code}/{collection}/{id}`.
pub(crate) fn child<T: std::str::FromStr<Err = BadCode>>(
    name: &str,
    field: &str,
    collection: &str,
) -> Result<(Region, T), Status> {
    names::parse_child(name, collection).map_err(|rule| bad(field, rule))
}
