//! What is wrong with a cell, and what to do about it, in the clerk's language and in English. Never what stood in it: it may be
//! anybody's name or number.

/// What is wrong, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// In Chinese.
    pub zh: String,
    /// In English.
    pub en: String,
}

impl Fault {
    /// A fault in both languages.
    pub fn new(zh: impl Into<String>, en: impl Into<String>) -> Fault {
        Fault {
            zh: zh.into(),
            en: en.into(),
        }
    }
}

/// A fault and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CellFault {
    /// The row as the spreadsheet numbers it, from 1; 0 where the whole sheet is meant.
    pub row: u32,
    /// Where the column stands in the sheet, from 0; none where the whole row is meant.
    pub column: Option<u16>,
    /// The column's heading.
    pub heading: &'static str,
    /// What is wrong.
    pub fault: Fault,
}

macro_rules! faults {
    ($($name:ident: $zh:literal, $en:literal;)+) => {$(
        pub(crate) fn $name() -> Fault {
            Fault::new($zh, $en)
        }
    )+};
}

faults! {
    missing: "必填,不能为空", "must be filled in";
    formula: "单元格是公式;请复制后用“选择性粘贴—数值”粘贴", "is a formula: copy it and paste its value only";
    merged: "合并单元格;请取消合并,每行都填写", "is a merged cell: unmerge it and fill in every row";
    cell_error: "单元格是 Excel 错误值;请改正", "holds an error of the spreadsheet: correct it";
    numeric_identity: "身份证号以数字存放,Excel 只保留 15 位有效数字,后三位已丢失;请将单元格设为“文本”格式后重新输入", "is stored as a number, of which a spreadsheet keeps 15 digits, so the last three are lost: set the cell to text and type the number again";
    numeric_account: "账号以数字存放,位数可能已丢失;请将单元格设为“文本”格式后重新输入", "is stored as a number, which may have lost digits: set the cell to text and type it again";
    numeric_code: "编号以数字存放,前面的零或后面的位数可能已丢失;请将单元格设为“文本”格式后重新输入", "is stored as a number, which may have lost digits: set the cell to text and type it again";
    identity_length: "身份证号应为 18 位", "an identity number has 18 characters";
    identity_digits: "身份证号应为 17 位数字加一位数字或 X", "an identity number is 17 digits and a last digit or X";
    identity_check: "身份证号校验码不符;请核对证件", "the identity number's last character does not fit the others: compare it with the card";
    identity_birth: "身份证号第 7 至 14 位不是有效日期;请核对证件", "characters 7 to 14 of the identity number are no day of the calendar: compare it with the card";
    name: "姓名应为 1 至 50 个字,不含换行和隐藏字符", "a name has 1 to 50 characters and no line breaks or invisible characters";
    phone: "手机号应为以 1 开头的 11 位数字", "a mobile number is 11 digits beginning with 1";
    date: "应为日期,如 2023-06-01", "must be a day, for instance 2023-06-01";
    credit_code: "统一社会信用代码有误(18 位,含校验码);请核对", "is no unified social credit code, or its check character is wrong";
    occupation: "职业(工种)代码应为 1-23-45-67 的形式", "an occupation is d-dd-dd-dd, its first digit 1 to 8";
    level: "技能等级应为学徒工、初级工、中级工、高级工、技师、高级技师、特级技师、首席技师之一", "must be one of the eight skill levels, by name or by number 1 to 8";
    yuan: "金额应为大于零的元,至多两位小数", "an amount is yuan above zero with at most two decimals";
    account: "账号应为 6 至 40 位数字、字母或短横", "an account is 6 to 40 digits, letters or hyphens";
    reference: "流水号应为 1 至 64 位字母、数字或 -_./", "a reference is 1 to 64 characters A-Z, a-z, 0-9 and -_./, and no identity number";
    certificate: "证书编号应为 4 至 40 位大写字母和数字,与证书一致,不含空格", "a certificate number is 4 to 40 capital letters and digits, as printed";
    id: "编号应为系统给出的编号;请从导出的表中复制", "must be the id that the system gave: copy it from an exported sheet";
    hash: "应为 64 位十六进制 SHA-256", "must be a SHA-256, 64 hexadecimal digits";
    text: "文字过长或含有隐藏字符", "is too long or holds invisible characters";
}

/// A number out of its range.
pub(crate) fn whole(min: u32, max: u32) -> Fault {
    Fault::new(
        format!("应为 {min} 至 {max} 的整数"),
        format!("must be a whole number, {min} to {max}"),
    )
}

/// A word that the column does not know.
pub(crate) fn word(words: impl Iterator<Item = &'static str>) -> Fault {
    let words: Vec<&str> = words.collect();
    Fault::new(
        format!("应为下列之一:{}", words.join("、")),
        format!("must be one of {}", words.join(", ")),
    )
}

/// A row that stands there twice.
pub(crate) fn twice(row: u32) -> Fault {
    Fault::new(
        format!("与第 {row} 行重复"),
        format!("says the same as row {row}"),
    )
}
