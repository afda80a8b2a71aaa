//! People, masked.

use hefu_domain::state::Person;
use hefu_domain::{Code, PersonId, Region, Rpc, Tag};
use hefu_store::StoreError;
use hefu_vault::Identity;
use hefu_wire::{Edge, names, show, v1};
use tonic::{Request, Status};

use super::asked_at;
use crate::api::{Api, Wrong};
use crate::{caller, errors};

impl Api {
    pub(crate) async fn get_person(
        &self,
        request: Request<v1::GetPersonRequest>,
    ) -> Result<v1::Person, Status> {
        let name = &request.get_ref().name;
        let (region, id) = self
            .asked(Rpc::GetPerson, &request, |r| {
                r.name::<PersonId>("name", name, "people")
            })
            .await?;
        let person = self
            .fact(
                Rpc::GetPerson,
                caller::of(&request)?,
                &region,
                |w| w.person(&id).cloned(),
                |sight, _| sight.is(&id),
                Code::PersonNotFound,
            )
            .await?;
        self.masked(&region, id, &person).await
    }

    /// Whoever has a number in hand learns by which name the person stands here, so that they can apply.
    pub(crate) async fn find_person(
        &self,
        request: Request<v1::FindPersonRequest>,
    ) -> Result<v1::Person, Status> {
        let by = caller::of(&request)?;
        let (region, tag) = match self.lookup_tag(request.get_ref()) {
            Ok(asked) => asked,
            Err(wrong) => return Err(self.told(Rpc::FindPerson, &by, wrong).await),
        };
        let sight = self.sight(Rpc::FindPerson, &request, &region).await?;
        let wanted = [(region.to_string(), tag.0.to_vec())];
        let found = self.engine.store().people_by_tag(&wanted).await;
        let found = found.map_err(errors::store)?;
        let Some(secret) = found.first() else {
            return Err(errors::stop(Code::PersonNotFound.into()));
        };
        let id: PersonId = secret.person.parse().map_err(|_| {
            errors::store(StoreError::Corrupt {
                table: "person_secret",
                column: "person",
                key: format!("{}/{}", secret.region, secret.person),
            })
        })?;
        if !sight.whole() && !sight.is_portal() && !sight.is(&id) {
            return Err(errors::stop(Code::PersonNotFound.into()));
        }
        let person = self
            .look(&region, |world, _| world.person(&id).cloned())
            .await?;
        self.masked(&region, id, &person).await
    }

    /// The tag by which an identity is found; the number itself goes no further.
    fn lookup_tag(&self, asked: &v1::FindPersonRequest) -> Result<(Region, Tag), Wrong> {
        let secrets = self.engine.people().secrets();
        let identity = |region: &Region, text: &str| {
            let identity: Identity = text
                .parse()
                .map_err(|bad: hefu_vault::BadPersonal| bad.to_string())?;
            Ok(secrets.lookup_tag(region, &identity))
        };
        let edge = Edge {
            identity: &identity,
            ..Edge::READING
        };
        asked_at(&edge, |r| {
            r.parent("parent", &asked.parent);
            r.identity("identity_number", &asked.identity_number)
        })
    }

    async fn masked(
        &self,
        region: &Region,
        id: PersonId,
        person: &Person,
    ) -> Result<v1::Person, Status> {
        let mut reads = self
            .engine
            .store()
            .deciding()
            .await
            .map_err(errors::store)?;
        let place = (region.clone(), id);
        let records = self
            .engine
            .people()
            .records(&mut reads, std::slice::from_ref(&place))
            .await
            .map_err(errors::status)?;
        let record = records.get(&place);
        Ok(v1::Person {
            name: names::child(region, "people", id),
            masked_identity_number: record.map(|r| r.identity.to_string()).unwrap_or_default(),
            masked_name: record.map(|r| r.name.to_string()).unwrap_or_default(),
            masked_phone: record
                .and_then(|r| r.phone.as_ref())
                .map(ToString::to_string)
                .unwrap_or_default(),
            answers: show::answers(region, person),
        })
    }
}
