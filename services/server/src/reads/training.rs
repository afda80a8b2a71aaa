//! Classes, their attendance and their employment statements.

use hefu_domain::state::{Attendance, Credential, Employment, Fact, TrainingClass};
use hefu_domain::{ClassId, Code, CredentialId, InstitutionId, Key, Region, Stop, World};
use hefu_engine::rows;
use hefu_store::Table;
use hefu_wire::{show, states, v1};
use tonic::{Request, Status};

use super::{List, Page, asked, in_force, is_staff, text};
use crate::api::Api;
use crate::{caller, errors};

impl Api {
    pub(crate) async fn get_class(
        &self,
        request: Request<v1::GetClassRequest>,
    ) -> Result<v1::TrainingClass, Status> {
        let name = &request.get_ref().name;
        let (region, id) = asked(|r| r.name::<ClassId>("name", name, "classes"))?;
        let class = self
            .fact(
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
        let (region, columns) = asked(|r| {
            r.parent("parent", &message.parent);
            let state = r.state("state", &message.state, states::CLASS);
            let deliverer =
                r.optional_name::<InstitutionId>("deliverer", &message.deliverer, "institutions");
            Some(vec![
                ("state", state?.to_owned()),
                ("deliverer", text(deliverer?)),
            ])
        })?;
        let grant = self.grant(&region, &caller::of(&request)?).await?;
        let list = List::of(Table::Class, &region, columns);
        let page = Page {
            size: message.page_size,
            token: &message.page_token,
        };
        let (rows, next_page_token) = self.page(list, page).await?;
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

    pub(crate) async fn get_attendance(
        &self,
        request: Request<v1::GetAttendanceRequest>,
    ) -> Result<v1::Attendance, Status> {
        let name = &request.get_ref().name;
        let (region, id) = asked(|r| r.name::<ClassId>("name", name, "classes"))?;
        let read = |world: &World| match world.get(&Key::Attendance(id))? {
            Some(Fact::Attendance(attendance)) => Ok(attendance.clone()),
            _ => Ok(Attendance::default()),
        };
        let by = caller::of(&request)?;
        let attendance = self.beside_class(by, &region, id, read).await?;
        Ok(show::attendance(&region, id, &attendance))
    }

    pub(crate) async fn get_employment(
        &self,
        request: Request<v1::GetEmploymentRequest>,
    ) -> Result<v1::Employment, Status> {
        let name = &request.get_ref().name;
        let (region, id) = asked(|r| r.name::<ClassId>("name", name, "classes"))?;
        let read = |world: &World| match world.get(&Key::Employment(id))? {
            Some(Fact::Employment(employment)) => Ok(employment.clone()),
            _ => Ok(Employment::default()),
        };
        let by = caller::of(&request)?;
        let employment = self.beside_class(by, &region, id, read).await?;
        Ok(show::employment(&region, id, &employment))
    }

    /// What stands beside a class, for whoever delivers it, whoever is paid for it, and the bureau's own.
    async fn beside_class<T>(
        &self,
        by: CredentialId,
        region: &Region,
        id: ClassId,
        read: impl Fn(&World) -> Result<T, Stop>,
    ) -> Result<T, Status> {
        self.look(region, |world, at| {
            let grant = in_force(world, &by, at)?;
            let filing = &world.class(&id)?.filing;
            let own = grant.institution.as_ref();
            let works = own.is_some_and(|own| [&filing.deliverer, &filing.payee].contains(&own));
            if is_staff(grant) || works {
                read(world)
            } else {
                Err(Code::ClassNotFound.into())
            }
        })
        .await
    }
}

/// A class's deliverer, payee and sponsor.
pub(super) fn is_party(grant: &Credential, class: &TrainingClass) -> bool {
    let filing = &class.filing;
    grant
        .institution
        .as_ref()
        .is_some_and(|own| [&filing.deliverer, &filing.payee, &filing.sponsor].contains(&own))
}
