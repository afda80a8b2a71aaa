//! Classes, their attendance and their employment statements.

use hefu_domain::state::{Attendance, Employment, Fact, TrainingClass};
use hefu_domain::{ClassId, Code, CredentialId, InstitutionId, Key, Region, Rpc, Stop, World};
use hefu_engine::rows;
use hefu_store::Table;
use hefu_wire::{show, states, v1};
use tonic::{Request, Status};

use super::{List, Page, Sight, text};
use crate::api::Api;
use crate::{caller, errors};

impl Api {
    pub(crate) async fn get_class(
        &self,
        request: Request<v1::GetClassRequest>,
    ) -> Result<v1::TrainingClass, Status> {
        let name = &request.get_ref().name;
        let (region, id) = self
            .asked(Rpc::GetClass, &request, |r| {
                r.name::<ClassId>("name", name, "classes")
            })
            .await?;
        let class = self
            .fact(
                Rpc::GetClass,
                caller::of(&request)?,
                &region,
                |w| w.class(&id).cloned(),
                is_party,
                Code::ClassNotFound,
            )
            .await?;
        Ok(show::class(&region, &id.to_string(), &class))
    }

    pub(crate) async fn list_classes(
        &self,
        request: Request<v1::ListClassesRequest>,
    ) -> Result<v1::ListClassesResponse, Status> {
        let message = request.get_ref();
        let (region, columns) = self
            .asked(Rpc::ListClasses, &request, |r| {
                r.parent("parent", &message.parent);
                let state = r.state("state", &message.state, states::CLASS);
                let deliverer = r.optional_name::<InstitutionId>(
                    "deliverer",
                    &message.deliverer,
                    "institutions",
                );
                Some(vec![
                    ("state", state?.to_owned()),
                    ("deliverer", text(deliverer?)),
                ])
            })
            .await?;
        let sight = self.sight(Rpc::ListClasses, &request, &region).await?;
        let list = List::of(Table::Class, &region, columns).only(sight.shown());
        let page = Page {
            size: message.page_size,
            token: &message.page_token,
        };
        let (rows, next_page_token) = self.page(list, page).await?;
        let mut classes = Vec::with_capacity(rows.len());
        for row in rows {
            if let Fact::Class(class) = rows::fact(&row).map_err(errors::store)?
                && (sight.whole() || is_party(&sight, &class))
            {
                classes.push(show::class(&region, &row.id, &class));
            }
        }
        Ok(v1::ListClassesResponse {
            classes,
            next_page_token,
        })
    }

    pub(crate) async fn get_attendance(
        &self,
        request: Request<v1::GetAttendanceRequest>,
    ) -> Result<v1::Attendance, Status> {
        let name = &request.get_ref().name;
        let (region, id) = self
            .asked(Rpc::GetAttendance, &request, |r| {
                r.name::<ClassId>("name", name, "classes")
            })
            .await?;
        let read = |world: &World| match world.get(&Key::Attendance(id))? {
            Some(Fact::Attendance(attendance)) => Ok(attendance.clone()),
            _ => Ok(Attendance::default()),
        };
        let by = caller::of(&request)?;
        let rpc = Rpc::GetAttendance;
        let attendance = self.beside_class(rpc, by, &region, id, read).await?;
        Ok(show::attendance(&region, id, &attendance))
    }

    pub(crate) async fn get_employment(
        &self,
        request: Request<v1::GetEmploymentRequest>,
    ) -> Result<v1::Employment, Status> {
        let name = &request.get_ref().name;
        let (region, id) = self
            .asked(Rpc::GetEmployment, &request, |r| {
                r.name::<ClassId>("name", name, "classes")
            })
            .await?;
        let read = |world: &World| match world.get(&Key::Employment(id))? {
            Some(Fact::Employment(employment)) => Ok(employment.clone()),
            _ => Ok(Employment::default()),
        };
        let by = caller::of(&request)?;
        let rpc = Rpc::GetEmployment;
        let employment = self.beside_class(rpc, by, &region, id, read).await?;
        Ok(show::employment(&region, id, &employment))
    }

    /// What stands beside a class, for whoever delivers it, whoever is paid for it, and the bureau's own.
    async fn beside_class<T>(
        &self,
        rpc: Rpc,
        by: CredentialId,
        region: &Region,
        id: ClassId,
        read: impl Fn(&World) -> Result<T, Stop>,
    ) -> Result<T, Status> {
        self.look(region, |world, at| {
            let sight = Sight::of(world, rpc, &by, at)?;
            let filing = &world.class(&id)?.filing;
            if sight.whole() || sight.acts_for_any([&filing.deliverer, &filing.payee]) {
                read(world)
            } else {
                Err(Code::ClassNotFound.into())
            }
        })
        .await
    }
}

/// A class's deliverer, payee and sponsor.
pub(super) fn is_party(sight: &Sight, class: &TrainingClass) -> bool {
    let filing = &class.filing;
    sight.acts_for_any([&filing.deliverer, &filing.payee, &filing.sponsor])
}
