//! Access: requests read into moves.

use hefu_domain::command::{self as act, Act};
use hefu_domain::state::Deputy;

use super::{Move, grant, request, role};
use crate::read::Reader;
use crate::v1;

impl Move for v1::GrantCallerRequest {
    request!("GrantCaller");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        r.parent("parent", &self.parent);
        let credential = r.code("credential", &self.credential);
        let given = r.required("grant", self.grant.as_ref());
        let grant = given.and_then(|given| r.within("grant", |r| grant(r, given, credential)));
        Some(act::GrantCaller { grant: grant? }.into())
    }
}

impl Move for v1::RevokeCallerRequest {
    request!("RevokeCaller");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        let credential = r.name("name", &self.name, "credentials");
        Some(
            act::RevokeCaller {
                credential: credential?,
            }
            .into(),
        )
    }
}

impl Move for v1::AppointDeputyRequest {
    request!("AppointDeputy");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        let credential = r.name("name", &self.name, "credentials");
        let given = r.required("deputy", self.deputy.as_ref());
        let deputy = given.and_then(|given| {
            r.within("deputy", |r| {
                let role = role(r, "role", given.role);
                let from = r
                    .required("from", given.from.as_ref())
                    .and_then(|at| r.instant("from", at));
                let until = r
                    .required("until", given.until.as_ref())
                    .and_then(|at| r.instant("until", at));
                Some(Deputy {
                    role: role?,
                    from: from?,
                    until: until?,
                })
            })
        });
        Some(
            act::AppointDeputy {
                credential: credential?,
                deputy: deputy?,
            }
            .into(),
        )
    }
}
