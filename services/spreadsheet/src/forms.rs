//! The columns of each template, and the words that may be chosen in them. Whoever changes one raises its template's version.

use crate::columns::{Column, Kind, Word};

/// Departments that train people of their own.
const DEPARTMENTS: &[Word] = &[
    ("农业农村局", "agriculture"),
    ("退役军人事务局", "veterans"),
    ("总工会", "trade_union"),
    ("妇联", "women_federation"),
    ("残联", "disabled_federation"),
    ("乡村振兴局", "rural_revival"),
    ("应急管理局", "emergency"),
    ("教育局", "education"),
    ("工信局", "industry"),
    ("文旅局", "culture_tourism"),
    ("民政局", "civil_affairs"),
    ("团委", "youth_league"),
    ("其他部门", "other"),
];

/// How attendance was taken.
const METHODS: &[Word] = &[
    ("人脸", "face"),
    ("刷卡", "card"),
    ("扫码", "qr"),
    ("纸质", "paper"),
    ("线上", "online"),
];

/// What the plan counts.
const INDICATORS: &[Word] = &[
    ("企业职工培训", "enterprise_staff"),
    ("面向广大劳动者培训", "general"),
    ("订单式、项目制培训", "order_project"),
    ("新型学徒制", "apprenticeship"),
    ("创业培训", "entrepreneurship"),
    ("新增技能人才", "newly_skilled"),
    ("新增高技能人才", "newly_high_skilled"),
];

/// What became of a payout.
const RESULTS: &[Word] = &[("成功", "paid"), ("退回", "returned")];

/// Why a bank sends money back.
const RETURNS: &[Word] = &[
    ("账号有误", "ACCOUNT_WRONG"),
    ("户名不符", "NAME_MISMATCH"),
    ("账户已销户", "ACCOUNT_CLOSED"),
    ("账户冻结", "ACCOUNT_FROZEN"),
    ("其他", "BANK_RETURNED"),
];

/// Another department's roster.
pub(crate) const ROSTER: &[Column] = &[
    Column::new(
        "department",
        ("主办部门", "Department"),
        Kind::Words(DEPARTMENTS),
        18.0,
        "农业农村局",
    ),
    Column::new("name", ("姓名", "Name"), Kind::Name, 12.0, "张三"),
    Column::new(
        "identity",
        ("身份证号", "Identity number"),
        Kind::Identity,
        22.0,
        "11010519491231002X",
    ),
    Column::new(
        "course",
        ("培训项目", "Course"),
        Kind::Text(100),
        24.0,
        "高素质农民培育",
    )
    .optional(),
    Column::new(
        "first_day",
        ("开始日期", "First day"),
        Kind::Day,
        13.0,
        "2023-06-01",
    ),
    Column::new(
        "last_day",
        ("结束日期", "Last day"),
        Kind::Day,
        13.0,
        "2023-06-05",
    )
    .optional(),
];

/// A class's attendance, a row for each session and seat.
pub(crate) const ATTENDANCE: &[Column] = &[
    Column::new("slot", ("课次", "Session"), Kind::Whole(1, 2_000), 8.0, "1").prefilled(),
    Column::new("date", ("日期", "Day"), Kind::Shown, 13.0, "2023-06-05")
        .optional()
        .prefilled(),
    Column::new("half", ("时段", "Slot"), Kind::Shown, 8.0, "上午")
        .optional()
        .prefilled(),
    Column::new("seat", ("座位号", "Seat"), Kind::Whole(1, 500), 8.0, "1").prefilled(),
    Column::new("name", ("姓名", "Name"), Kind::Shown, 12.0, "张*")
        .optional()
        .prefilled(),
    Column::new(
        "identity",
        ("身份证号", "Identity number"),
        Kind::Shown,
        22.0,
        "11**************2X",
    )
    .optional()
    .prefilled(),
    Column::new(
        "lessons",
        ("实到课时", "Lessons"),
        Kind::Whole(0, 8),
        10.0,
        "4",
    ),
    Column::new(
        "method",
        ("签到方式", "Method"),
        Kind::Words(METHODS),
        10.0,
        "人脸",
    ),
    Column::new(
        "presence_checks",
        ("在线抽查次数", "Presence checks"),
        Kind::Whole(0, 1_000),
        14.0,
        "3",
    )
    .optional(),
    Column::new(
        "evidence",
        ("凭证SHA-256", "Evidence"),
        Kind::Hash,
        30.0,
        "留空即以本表为凭证",
    )
    .optional(),
];

/// Certificates without a voucher.
pub(crate) const CERTIFICATES: &[Column] = &[
    Column::new("name", ("姓名", "Name"), Kind::Name, 12.0, "张三"),
    Column::new(
        "identity",
        ("身份证号", "Identity number"),
        Kind::Identity,
        22.0,
        "11010519491231002X",
    ),
    Column::new(
        "phone",
        ("手机号", "Mobile number"),
        Kind::Phone,
        14.0,
        "13800000000",
    )
    .optional(),
    Column::new(
        "occupation",
        ("职业(工种)代码", "Occupation"),
        Kind::Occupation,
        16.0,
        "6-31-03-09",
    ),
    Column::new(
        "level",
        ("技能等级", "Skill level"),
        Kind::Level,
        12.0,
        "中级工",
    ),
    Column::new(
        "day",
        ("发证日期", "Day of issue"),
        Kind::Day,
        13.0,
        "2023-06-20",
    ),
    Column::new(
        "number",
        ("证书编号", "Certificate number"),
        Kind::Certificate,
        26.0,
        "S000014070023000001",
    ),
];

/// A plan year's targets.
pub(crate) const TARGETS: &[Column] = &[
    Column::new(
        "year",
        ("计划年度", "Plan year"),
        Kind::Whole(2000, 2199),
        10.0,
        "2023",
    ),
    Column::new(
        "indicator",
        ("指标", "Indicator"),
        Kind::Words(INDICATORS),
        22.0,
        "面向广大劳动者培训",
    ),
    Column::new(
        "people",
        ("计划人数", "People"),
        Kind::Whole(0, 10_000_000),
        12.0,
        "1300",
    ),
];

/// The bank's file, and its answers.
pub(crate) const PAYOUT_ANSWERS: &[Column] = &[
    Column::new(
        "sheet",
        ("申领表编号", "Claim sheet"),
        Kind::Id,
        40.0,
        "0190a5e0-0000-7000-8000-000000000000",
    )
    .prefilled(),
    Column::new(
        "payee",
        ("信用代码", "Credit code"),
        Kind::CreditCode,
        22.0,
        "91350100M000100Y43",
    )
    .prefilled(),
    Column::new(
        "account_name",
        ("收款户名", "Account name"),
        Kind::Text(200),
        32.0,
        "某某职业培训学校",
    )
    .prefilled(),
    Column::new(
        "account",
        ("收款账号", "Account"),
        Kind::Account,
        26.0,
        "6222000000000001",
    )
    .prefilled(),
    Column::new("amount", ("金额(元)", "Yuan"), Kind::Yuan, 14.0, "1500.00").prefilled(),
    Column::new(
        "result",
        ("结果", "Result"),
        Kind::Words(RESULTS),
        8.0,
        "成功",
    ),
    Column::new(
        "reference",
        ("银行流水号", "Bank reference"),
        Kind::Reference,
        24.0,
        "B20230901-0001",
    ),
    Column::new(
        "reason",
        ("退回原因", "Why returned"),
        Kind::Words(RETURNS),
        14.0,
        "账号有误",
    )
    .optional(),
];
