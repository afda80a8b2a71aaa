//! What the rules say of a row, beside its cell.

use hefu_domain::Code;
use hefu_spreadsheet::Fault;
use tonic::Status;
use tonic_types::StatusExt as _;

use super::Asked;

/// A refusal as errors of rows; a status that is none, which ends the import.
pub(super) fn faults<M>(
    status: Status,
    asked: &Asked<M>,
) -> Result<Vec<(u32, &'static str, Fault)>, Status> {
    let details = status.get_error_details();
    let first = asked.rows.first().map_or(0, |(_, row)| *row);
    if let Some(failure) = details.precondition_failure() {
        let told = failure.violations.iter().map(|violation| {
            let row = asked
                .rows
                .iter()
                .find(|(about, _)| *about == violation.subject);
            let fault = fault(&violation.r#type, &violation.subject, row.is_some());
            (row.map_or(first, |(_, row)| *row), asked.column, fault)
        });
        return Ok(told.collect());
    }
    if let Some(wrong) = details.bad_request() {
        let told = wrong.field_violations.iter().map(|wrong| {
            let en = format!("{}: {}", wrong.field, wrong.description);
            (
                first,
                asked.column,
                Fault::new(format!("填写有误({en})"), en),
            )
        });
        return Ok(told.collect());
    }
    Err(status)
}

/// A rule's refusal in both languages.
pub(super) fn of(code: Code) -> Fault {
    fault(code.as_str(), "", true)
}

fn fault(code: &str, about: &str, is_told: bool) -> Fault {
    let known = Code::ALL.iter().find(|known| known.as_str() == code);
    let meaning = known.map_or(code, |code| code.meaning());
    let about = match about {
        "" => String::new(),
        _ if is_told => String::new(),
        about => format!(" ({about})"),
    };
    let zh = known.map_or("", |code| zh(*code));
    Fault::new(
        format!("{zh}{about}[{code}]"),
        format!("{meaning}{about} [{code}]"),
    )
}

/// The refusals that a sheet meets, in the clerk's language; the rest goes by its code.
fn zh(code: Code) -> &'static str {
    match code {
        Code::ImportedBefore => "本表已导入过",
        Code::DuplicateEntry => "重复填写",
        Code::BadDates => "日期不合规定",
        Code::BadSeat => "班期没有该座位,或该座位在此课次时无人",
        Code::SlotUnknown => "课表没有该课次",
        Code::SlotRecorded => "该课次的签到已录入",
        Code::OutsideTimetable => "课次尚未开始,或课时多于课表",
        Code::EntryWindowOver => "已过实时录入期限,请申请补录",
        Code::PresenceMissing => "线上课时须填写在线抽查次数",
        Code::PaperShare => "纸质签到比例超过规定",
        Code::OnlineShare => "线上课时比例超过规定",
        Code::ClassNotRunning => "班期未在进行",
        Code::ClassNotFound => "没有该班期",
        Code::NotYours => "不是本单位的班期或申领表",
        Code::RoleMissing => "没有此项权限",
        Code::PlanYearNotOpen => "该计划年度未开启",
        Code::PlanYearClosed => "该计划年度已关闭",
        Code::CertificateTaken => "证书编号已登记",
        Code::PersonErased => "该人员信息已删除",
        Code::SheetNotFound => "没有该申领表",
        Code::SheetNotPaying => "该申领表没有在途发放",
        Code::BatchMismatch => "户名、账号或金额与发放文件不一致",
        Code::PayoutInFile => "该笔发放已在此前的发放文件中",
        Code::SamePerson => "复核人不得登记该笔发放",
        Code::PayoutWrittenOff => "该笔发放已有核销",
        _ => "不符合规定",
    }
}
