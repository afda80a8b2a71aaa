//! The templates as workbooks: headings, widths, lists to choose from, a sheet of notes, and a hidden one that says which template in
//! which edition it is, so that a sheet made before a change is told from one made after.

use rust_xlsxwriter::{
    DataValidation, DocProperties, ExcelDateTime, Format, FormatAlign, FormatBorder, Workbook,
    Worksheet, XlsxError,
};

use crate::columns::{Column, Kind, Word};
use crate::forms::{ATTENDANCE, CERTIFICATES, PAYOUT_ANSWERS, ROSTER, TARGETS};
use crate::write::{self, Cell, Written};

/// The hidden sheet that says which template a workbook was made from.
pub(crate) const HIDDEN: &str = "_hefu";
/// What its first cell says.
pub(crate) const MADE_BY: &str = "hefu-template";
/// Rows above the first one that is filled in: the headings, in Chinese and in English.
pub(crate) const HEADINGS: u32 = 2;
/// Rows for which the template offers lists to choose from.
const OFFERED_ROWS: u32 = 5_000;
/// What a list to choose from may be long, in characters.
const MOST_LIST: usize = 255;

/// What an office fills in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Template {
    /// Another department's roster.
    Roster,
    /// A class's attendance.
    Attendance,
    /// Certificates without a voucher.
    Certificates,
    /// A plan year's targets.
    Targets,
    /// The bank's answers to a payout file.
    PayoutAnswers,
}

/// Rows that the system fills in before the office does, and what they belong to.
#[derive(Debug, Clone, Default)]
pub struct Prefilled {
    /// What the workbook belongs to: for attendance the class's name.
    pub context: String,
    /// The rows, a cell a column.
    pub rows: Vec<Vec<Cell>>,
}

impl Template {
    /// Every one.
    pub const ALL: [Template; 5] = [
        Template::Roster,
        Template::Attendance,
        Template::Certificates,
        Template::Targets,
        Template::PayoutAnswers,
    ];

    /// Its name on the command line and in the API.
    pub fn name(self) -> &'static str {
        match self {
            Template::Roster => "roster",
            Template::Attendance => "attendance",
            Template::Certificates => "certificates",
            Template::Targets => "targets",
            Template::PayoutAnswers => "payout-answers",
        }
    }

    /// The template of that name.
    pub fn named(name: &str) -> Option<Template> {
        Template::ALL.into_iter().find(|one| one.name() == name)
    }

    /// The title of its sheet.
    pub fn title(self) -> &'static str {
        match self {
            Template::Roster => "其他部门培训花名册",
            Template::Attendance => "班期签到表",
            Template::Certificates => "无补贴证书登记表",
            Template::Targets => "年度目标分解表",
            Template::PayoutAnswers => "补贴资金发放回执表",
        }
    }

    /// Which edition of it this is.
    pub fn version(self) -> u32 {
        1
    }

    /// Its columns.
    pub fn columns(self) -> &'static [Column] {
        match self {
            Template::Roster => ROSTER,
            Template::Attendance => ATTENDANCE,
            Template::Certificates => CERTIFICATES,
            Template::Targets => TARGETS,
            Template::PayoutAnswers => PAYOUT_ANSWERS,
        }
    }

    /// The columns by which a row is told from another: two rows that are alike in them are a mistake.
    pub(crate) fn unique(self) -> &'static [&'static str] {
        match self {
            Template::Roster => &["identity", "first_day"],
            Template::Attendance => &["slot", "seat"],
            Template::Certificates => &["number"],
            Template::Targets => &["year", "indicator"],
            Template::PayoutAnswers => &["sheet"],
        }
    }

    /// What the sheet of notes says first.
    fn purpose(self) -> &'static str {
        match self {
            Template::Roster => {
                "登记其他部门组织的培训。名单上的人在这些日期不能再参加补贴性培训班;姓名和身份证号只用于核对,不保存。"
            }
            Template::Attendance => {
                "本表由系统按班期花名册生成。只填写“实到课时”“签到方式”等空白列;某一课次全部留空表示尚未录入。"
            }
            Template::Certificates => {
                "登记未使用电子券取得的技能等级证书,计入年度新增技能人才。未登记的人员导入时自动实名登记。"
            }
            Template::Targets => "登记年度目标。导入后更新表中所列指标,未列入的指标保持不变。",
            Template::PayoutAnswers => {
                "银行办理后逐行填写结果和流水号,退回的填写原因。户名、账号、金额须与发放文件一致,不得改动。"
            }
        }
    }

    /// An empty workbook to fill in, or one whose first columns are filled in.
    ///
    /// # Errors
    /// What the writer finds wrong.
    pub fn workbook(self, prefilled: &Prefilled) -> Result<Vec<u8>, Written> {
        let mut book = new_book();
        self.sheet(book.add_worksheet(), &prefilled.rows)?;
        self.notes(book.add_worksheet())?;
        self.hidden(book.add_worksheet(), &prefilled.context)?;
        Ok(book.save_to_buffer()?)
    }

    fn sheet(self, sheet: &mut Worksheet, rows: &[Vec<Cell>]) -> Result<(), XlsxError> {
        sheet.set_name(self.title())?;
        let positions: Vec<Option<Column>> = self.columns().iter().map(|c| Some(*c)).collect();
        dress(sheet, &positions)?;
        headings(sheet, self.columns())?;
        for (number, row) in (HEADINGS..).zip(rows) {
            for (column, cell) in (0..).zip(row) {
                write::cell(sheet, number, column, cell, &Format::new())?;
            }
        }
        Ok(())
    }

    fn notes(self, sheet: &mut Worksheet) -> Result<(), XlsxError> {
        sheet.set_name("填表说明")?;
        printed(sheet);
        let wrap = Format::new().set_text_wrap().set_align(FormatAlign::Top);
        let bold = wrap.clone().set_bold();
        for (column, width) in [(0, 20.0), (1, 22.0), (2, 10.0), (3, 36.0), (4, 40.0)] {
            sheet.set_column_width(column, width)?;
        }
        sheet.merge_range(0, 0, 0, 4, self.purpose(), &wrap)?;
        sheet.set_row_height(0, 48)?;
        let titles = ["列", "Column", "必填", "示例", "说明"];
        for (column, title) in (0..).zip(titles) {
            sheet.write_string_with_format(1, column, title, &bold)?;
        }
        for (row, column) in (2..).zip(self.columns()) {
            let must = if column.required { "是" } else { "否" };
            for (at, text) in (0..).zip([column.zh, column.en, must, column.example]) {
                sheet.write_string_with_format(row, at, text, &wrap)?;
            }
            sheet.write_string_with_format(row, 4, explained(column.kind), &wrap)?;
        }
        Ok(())
    }

    pub(crate) fn hidden(self, sheet: &mut Worksheet, context: &str) -> Result<(), XlsxError> {
        sheet.set_name(HIDDEN)?;
        sheet.set_very_hidden(true);
        sheet.write_string(0, 0, MADE_BY)?;
        sheet.write_string(0, 1, self.name())?;
        sheet.write_string(0, 2, self.version().to_string())?;
        sheet.write_string(0, 3, context)?;
        Ok(())
    }
}

/// A workbook that says nothing of who made it when: the same rows give the same bytes.
pub(crate) fn new_book() -> Workbook {
    let mut book = Workbook::new();
    let mut properties = DocProperties::new().set_author("hefu");
    if let Ok(when) = ExcelDateTime::from_ymd(2023, 1, 1) {
        properties = properties.set_creation_datetime(&when);
    }
    book.set_properties(&properties);
    book
}

/// The look of a heading.
pub(crate) fn heading() -> Format {
    Format::new()
        .set_bold()
        .set_text_wrap()
        .set_align(FormatAlign::Center)
        .set_align(FormatAlign::VerticalCenter)
        .set_background_color("#DDEBF7")
        .set_border(FormatBorder::Thin)
}

fn headings(sheet: &mut Worksheet, columns: &[Column]) -> Result<(), XlsxError> {
    let zh = heading();
    let en = heading().set_font_size(9).set_italic();
    for (at, column) in (0..).zip(columns) {
        let star = if column.required { "*" } else { "" };
        sheet.write_string_with_format(0, at, format!("{}{star}", column.zh), &zh)?;
        sheet.write_string_with_format(1, at, column.en, &en)?;
    }
    Ok(())
}

/// Widths, formats, lists to choose from and the frozen headings, by where each column stands.
pub(crate) fn dress(sheet: &mut Worksheet, positions: &[Option<Column>]) -> Result<(), XlsxError> {
    let text = Format::new().set_num_format("@");
    let day = Format::new().set_num_format("yyyy-mm-dd");
    let yuan = Format::new().set_num_format("0.00");
    for (at, column) in (0u16..).zip(positions) {
        let Some(column) = column else { continue };
        sheet.set_column_width(at, column.width)?;
        match column.kind {
            Kind::Day => sheet.set_column_format(at, &day)?,
            Kind::Yuan => sheet.set_column_format(at, &yuan)?,
            kind if kind.is_text() => sheet.set_column_format(at, &text)?,
            _ => sheet,
        };
        let words: Vec<&str> = match column.kind {
            Kind::Words(words) => words.iter().map(|(zh, _)| *zh).collect(),
            Kind::Level => crate::check::LEVELS.to_vec(),
            _ => continue,
        };
        if words.join(",").chars().count() <= MOST_LIST {
            let list = DataValidation::new().allow_list_strings(&words)?;
            let last = HEADINGS + OFFERED_ROWS - 1;
            sheet.add_data_validation(HEADINGS, at, last, at, &list)?;
        }
    }
    sheet.set_freeze_panes(HEADINGS, 0)?;
    sheet.set_repeat_rows(0, HEADINGS - 1)?;
    printed(sheet);
    Ok(())
}

/// On paper: A4 across, as wide as the page and as long as it takes.
pub(crate) fn printed(sheet: &mut Worksheet) {
    sheet.set_landscape();
    sheet.set_paper_size(9);
    sheet.set_print_fit_to_pages(1, 0);
}

/// What the notes say of a kind.
fn explained(kind: Kind) -> String {
    let words = |words: &[Word]| {
        words
            .iter()
            .map(|(zh, _)| *zh)
            .collect::<Vec<_>>()
            .join("、")
    };
    match kind {
        Kind::Text(most) => format!("文字,至多 {most} 字"),
        Kind::Name => "与证件一致".to_owned(),
        Kind::Identity => "18 位,文本格式,末位 X 大写".to_owned(),
        Kind::Phone => "11 位手机号".to_owned(),
        Kind::CreditCode => "18 位统一社会信用代码".to_owned(),
        Kind::Occupation => "国家职业分类大典代码,如 6-31-03-09".to_owned(),
        Kind::Level => crate::check::LEVELS.join("、"),
        Kind::Day => "日期,如 2023-06-01".to_owned(),
        Kind::Whole(min, max) => format!("{min} 至 {max} 的整数"),
        Kind::Yuan => "元,至多两位小数".to_owned(),
        Kind::Words(list) => words(list),
        Kind::Account => "文本格式,与开户证明一致".to_owned(),
        Kind::Reference => "字母、数字或 -_./".to_owned(),
        Kind::Certificate => "大写字母和数字,与证书一致".to_owned(),
        Kind::Id => "系统编号,从导出表复制".to_owned(),
        Kind::Hash => "凭证文件的 SHA-256(64 位十六进制)".to_owned(),
        Kind::Shown => "系统填写,不要改动".to_owned(),
    }
}
