//! Dated regulatory fee rates: facts, each with the documents it rests on.
//!
//! A day without a row is unknown, not free of charge. Weak rows say so by their
//! [`Confidence`]; the wording of the sources is kept.

use super::rates::{Confidence, Rate};

/// SEC Section 31 fee: cents per million US dollars of sale proceeds; charged on sales only.
///
/// Unknown: before 2001-12-28. Two rows rest on memory for a value or a day
/// ([`Confidence::Recollection`]): 2008-01-25 to 2008-03-31 (its first day) and 2015-02-14 to
/// 2016-02-15 (its value); estimates name them so.
pub(super) const SEC31: &[Rate] = &[
    Rate {
        from: (2001, 12, 28),
        to: Some((2002, 3, 31)),
        value: 1_500,
        cap_cents: None,
        confidence: Confidence::Primary,
        source: "NASD Member Alert 2001-12-27; SEC Fee Rate Advisory #8 (2002-01-16): 15 per million \
         retroactive to 2001-12-28 (H.R. 1088)",
    },
    Rate {
        from: (2002, 4, 1),
        to: Some((2003, 3, 21)),
        value: 3_010,
        cap_cents: None,
        confidence: Confidence::Secondary,
        source: "Value and last day: NASD Member Alert 2003-03-03 (current rate 30.10 until 3/22/03); \
         start date: TraderStatus rate list (mid-year adjustment announced 2002-03-01)",
    },
    Rate {
        from: (2003, 3, 22),
        to: Some((2003, 3, 31)),
        value: 2_520,
        cap_cents: None,
        confidence: Confidence::Primary,
        source: "SEC press release 2003-27 (Fee Rate Advisory #12 FY2003); NASD Member Alerts \
         2003-02-24 and 2003-03-03",
    },
    Rate {
        from: (2003, 4, 1),
        to: Some((2004, 2, 21)),
        value: 4_680,
        cap_cents: None,
        confidence: Confidence::Primary,
        source: "SEC press release 2003-27 (Fee Rate Advisory #12 FY2003); NASD Member Alerts \
         2003-03-03 and 2003-12-01",
    },
    Rate {
        from: (2004, 2, 22),
        to: Some((2004, 3, 31)),
        value: 3_900,
        cap_cents: None,
        confidence: Confidence::Primary,
        source: "NASD Member Alert 2004-01-28 (Fee Rate Advisory #7 FY2004)",
    },
    Rate {
        from: (2004, 4, 1),
        to: Some((2005, 1, 6)),
        value: 2_340,
        cap_cents: None,
        confidence: Confidence::Primary,
        source: "NASD Member Alert 2004-03-04 (Fee Rate Advisory #8 FY2004)",
    },
    Rate {
        from: (2005, 1, 7),
        to: Some((2005, 3, 31)),
        value: 3_290,
        cap_cents: None,
        confidence: Confidence::Primary,
        source: "SEC Fee Rate Advisory #6 FY2005, 2004-12-09 (Mondo Visione copy)",
    },
    Rate {
        from: (2005, 4, 1),
        to: Some((2005, 12, 21)),
        value: 4_180,
        cap_cents: None,
        confidence: Confidence::Secondary,
        source: "Value: NASD Member Alert 2005-09-30; start date: TraderStatus rate list (Fee Rate \
         Advisory #7 FY2005, 2005-03-01)",
    },
    Rate {
        from: (2005, 12, 22),
        to: Some((2007, 3, 16)),
        value: 3_070,
        cap_cents: None,
        confidence: Confidence::Secondary,
        source: "Value: SEC press release 2006-194 and NASD Member Alert 2005-09-30 (30 days after \
         enactment); start date: TraderStatus rate list",
    },
    Rate {
        from: (2007, 3, 17),
        to: Some((2008, 1, 24)),
        value: 1_530,
        cap_cents: None,
        confidence: Confidence::Secondary,
        source: "Value: SEC press releases 2006-194 and 2007-89; start date derived: 30 days after \
         Pub. L. 110-5 (2007-02-15)",
    },
    Rate {
        from: (2008, 1, 25),
        to: Some((2008, 3, 31)),
        value: 1_100,
        cap_cents: None,
        confidence: Confidence::Recollection,
        source: "Value and last day: FINRA Information Notice 3/10/08; SEC press release 2007-89 (30 \
         days after the FY2008 appropriation); start date assumes enactment on 2007-12-26 \
         (not seen in a source)",
    },
    Rate {
        from: (2008, 4, 1),
        to: Some((2009, 4, 9)),
        value: 560,
        cap_cents: None,
        confidence: Confidence::Primary,
        source: "FINRA Information Notice 3/10/08",
    },
    Rate {
        from: (2009, 4, 10),
        to: Some((2010, 1, 14)),
        value: 2_570,
        cap_cents: None,
        confidence: Confidence::Secondary,
        source: "Start date: Traders Magazine 2009-04-15; value: FINRA Information Notice 10/2/09 and \
         SEC press release 2009-100",
    },
    Rate {
        from: (2010, 1, 15),
        to: Some((2010, 3, 31)),
        value: 1_270,
        cap_cents: None,
        confidence: Confidence::Secondary,
        source: "Lexology note of 2009-12 on SEC press release 2009-270; value also SEC press release \
         2009-100",
    },
    Rate {
        from: (2010, 4, 1),
        to: Some((2011, 1, 20)),
        value: 1_690,
        cap_cents: None,
        confidence: Confidence::Primary,
        source: "FINRA Information Notice 3/10/10",
    },
    Rate {
        from: (2011, 1, 21),
        to: Some((2012, 2, 20)),
        value: 1_920,
        cap_cents: None,
        confidence: Confidence::Primary,
        source: "SEC press release 2010-255 (Fee Rate Advisory #5 FY2011)",
    },
    Rate {
        from: (2012, 2, 21),
        to: Some((2012, 3, 31)),
        value: 1_800,
        cap_cents: None,
        confidence: Confidence::Secondary,
        source: "Corporate and Financial Weekly Digest 2012-01 on Fee Rate Advisory #5 FY2012",
    },
    Rate {
        from: (2012, 4, 1),
        to: Some((2013, 5, 24)),
        value: 2_240,
        cap_cents: None,
        confidence: Confidence::Secondary,
        source: "Value: SEC press release 2012-232 (Fee Rate Advisory #2 FY2013); mid-year order FR \
         2012-5453 (77 FR 13663); start date from a third-party fee note",
    },
    Rate {
        from: (2013, 5, 25),
        to: Some((2014, 3, 17)),
        value: 1_740,
        cap_cents: None,
        confidence: Confidence::Secondary,
        source: "Value: FINRA Information Notice 3/3/14; start date derived: 60 days after enactment \
         on 2013-03-26 (FR 2013-10194, Release 34-69449)",
    },
    Rate {
        from: (2014, 3, 18),
        to: Some((2015, 2, 13)),
        value: 2_210,
        cap_cents: None,
        confidence: Confidence::Primary,
        source: "FINRA Information Notices 3/3/14 and 10/7/14",
    },
    Rate {
        from: (2015, 2, 14),
        to: Some((2016, 2, 15)),
        value: 1_840,
        cap_cents: None,
        confidence: Confidence::Recollection,
        source: "Order FR 2015-00858 (Release 34-74057, 2015-01-15) located but its rate was not in \
         the text seen; date = 60 days after Pub. L. 113-235 (2014-12-16); value from memory",
    },
    Rate {
        from: (2016, 2, 16),
        to: Some((2017, 7, 3)),
        value: 2_180,
        cap_cents: None,
        confidence: Confidence::Secondary,
        source: "Value: FINRA Information Notice 3/15/16; order FR 2016-00406 (81 FR 1458); start \
         date: TraderStatus rate list",
    },
    Rate {
        from: (2017, 7, 4),
        to: Some((2018, 5, 21)),
        value: 2_310,
        cap_cents: None,
        confidence: Confidence::Secondary,
        source: "Value and last day: Fee Rate Advisory #3 FY2018; start date: quoted SEC \
         announcement, and 60 days after 2017-05-05 (FR 2017-11555)",
    },
    Rate {
        from: (2018, 5, 22),
        to: Some((2019, 4, 15)),
        value: 1_300,
        cap_cents: None,
        confidence: Confidence::Primary,
        source: "SEC Fee Rate Advisory #3 FY2018 (2018-04-17); FINRA Information Notice 5/7/18; FR \
         2018-08339",
    },
    Rate {
        from: (2019, 4, 16),
        to: Some((2020, 2, 17)),
        value: 2_070,
        cap_cents: None,
        confidence: Confidence::Primary,
        source: "SEC Fee Rate Advisory #2 FY2019 (2019-03-12, Newsfile copy); FR 2019-04800 (Release \
         34-85287)",
    },
    Rate {
        from: (2020, 2, 18),
        to: Some((2021, 2, 24)),
        value: 2_210,
        cap_cents: None,
        confidence: Confidence::Secondary,
        source: "FINRA Information Notice 2/3/20 as reported by Corporate and Financial Weekly \
         Digest; FR 2020-00423 (Release 34-87918); value: Fee Rate Advisory #3 FY2020",
    },
    Rate {
        from: (2021, 2, 25),
        to: Some((2022, 5, 13)),
        value: 510,
        cap_cents: None,
        confidence: Confidence::Primary,
        source: "FINRA Information Notice 2/16/21; SEC Fee Rate Advisory #2 FY2021 (2021-01-15)",
    },
    Rate {
        from: (2022, 5, 14),
        to: Some((2023, 2, 26)),
        value: 2_290,
        cap_cents: None,
        confidence: Confidence::Secondary,
        source: "Two independent public rate lists (TraderStatus; one table stated to be read from \
         the SEC orders and reconciled with account charges); broker fee pages of 2022",
    },
    Rate {
        from: (2023, 2, 27),
        to: Some((2024, 5, 21)),
        value: 800,
        cap_cents: None,
        confidence: Confidence::Secondary,
        source: "Order FR 2023-01578 (Release 34-96724, 2023-01-23) located, rate not in the text \
         seen; two independent public rate lists; value and last day: FTF News quoting the \
         SEC",
    },
    Rate {
        from: (2024, 5, 22),
        to: Some((2025, 5, 13)),
        value: 2_780,
        cap_cents: None,
        confidence: Confidence::Secondary,
        source: "FTF News quoting the SEC advisory (8 through 2024-05-21, 27.80 from 2024-05-22); FR \
         2024-08512 (Release 34-99973)",
    },
    Rate {
        from: (2025, 5, 14),
        to: Some((2026, 4, 3)),
        value: 0,
        cap_cents: None,
        confidence: Confidence::Secondary,
        source: "FINRA Information Notice 4/24/25 (summary); FR 2025-06214 (Release 34-102779); STA \
         article 2025-05-14",
    },
    Rate {
        from: (2026, 4, 4),
        to: None,
        value: 2_060,
        cap_cents: None,
        confidence: Confidence::Secondary,
        source: "Release 34-104909 of 2026-02-27, FR 2026-04233 (91 FR 10643) located, rate not in \
         the text seen; SEC FY2026 Section 31 advisory and FINRA Information Notice 3/17/26 \
         quoted by several independent public files; until 60 days after the FY2027 \
         appropriation",
    },
];

/// FINRA Trading Activity Fee: billionths of a dollar per share sold, with a cap per trade; charged
/// on sales only, and on none below the rate itself.
///
/// Unknown: before 2003-09-01 and from 2029-01-01. The first day of the row 2012-07-01 to 2021-12-31
/// rests on memory ([`Confidence::Recollection`]).
pub(super) const TAF: &[Rate] = &[
    Rate {
        from: (2003, 9, 1),
        to: Some((2004, 10, 31)),
        value: 100_000,
        cap_cents: Some(1_000),
        confidence: Confidence::Secondary,
        source: "Date: NASD Notice to Members 03-43; value and cap: broker e-mail quoted on a forum \
         2003-09-01",
    },
    Rate {
        from: (2004, 11, 1),
        to: Some((2011, 6, 30)),
        value: 75_000,
        cap_cents: Some(375),
        confidence: Confidence::Primary,
        source: "Date: NASD Notice to Members 04-84; value and cap: FINRA Regulatory Notice 11-27 (in \
         place over six years)",
    },
    Rate {
        from: (2011, 7, 1),
        to: Some((2012, 2, 29)),
        value: 90_000,
        cap_cents: Some(450),
        confidence: Confidence::Primary,
        source: "FINRA Regulatory Notice 11-27",
    },
    Rate {
        from: (2012, 3, 1),
        to: Some((2012, 6, 30)),
        value: 95_000,
        cap_cents: Some(475),
        confidence: Confidence::Primary,
        source: "FINRA Regulatory Notice 12-06; FR 2012-2394 (SR-FINRA-2011-071). Last day follows \
         the next row (recollection)",
    },
    Rate {
        from: (2012, 7, 1),
        to: Some((2021, 12, 31)),
        value: 119_000,
        cap_cents: Some(595),
        confidence: Confidence::Recollection,
        source: "Value, cap and 2020-2021 use: FINRA Fee Increase Schedule (SR-FINRA-2020-032); \
         approval order FR 2012-15806 (published 2012-06-28); the exact start day was not \
         seen",
    },
    Rate {
        from: (2022, 1, 1),
        to: Some((2022, 12, 31)),
        value: 130_000,
        cap_cents: Some(649),
        confidence: Confidence::Primary,
        source: "FINRA Fee Increase Schedule (SR-FINRA-2020-032; FR 2020-23141), column 2022",
    },
    Rate {
        from: (2023, 1, 1),
        to: Some((2023, 12, 31)),
        value: 145_000,
        cap_cents: Some(727),
        confidence: Confidence::Primary,
        source: "FINRA Fee Increase Schedule (SR-FINRA-2020-032; FR 2020-23141), column 2023",
    },
    Rate {
        from: (2024, 1, 1),
        to: Some((2025, 12, 31)),
        value: 166_000,
        cap_cents: Some(830),
        confidence: Confidence::Primary,
        source: "FINRA Fee Increase Schedule (SR-FINRA-2020-032), column 2024; unchanged in 2025: FR \
         2024-27764 (TAF changes 2026-2029)",
    },
    Rate {
        from: (2026, 1, 1),
        to: Some((2026, 9, 30)),
        value: 195_000,
        cap_cents: Some(979),
        confidence: Confidence::Secondary,
        source: "SR-FINRA-2024-019 fee adjustment schedule (Release 34-101696, FR 2024-27764) as \
         quoted by several public files",
    },
    Rate {
        from: (2026, 10, 1),
        to: Some((2026, 12, 31)),
        value: 0,
        cap_cents: None,
        confidence: Confidence::Secondary,
        source: "Fee pause: SR-FINRA-2026-021 (Release 34-106409, FR 2026-19392, 91 FR 60435) as \
         quoted by several public files",
    },
    Rate {
        from: (2027, 1, 1),
        to: Some((2028, 12, 31)),
        value: 195_000,
        cap_cents: Some(979),
        confidence: Confidence::Secondary,
        source: "Pause ends with January 2027 transactions (SR-FINRA-2026-021); rates held through \
         2028-12-31 by SR-FINRA-2026-020, as quoted by three public files",
    },
];

/// Consolidated Audit Trail fee as Alpaca passes it on: billionths of a dollar per share, bought or
/// sold. The fee as such exists since 2024-09-01; before that nothing is owed.
///
/// Unknown, and therefore charged nothing and named as a gap: 2024-09-01 to 2025-06-30 (two undated
/// pages of Alpaca, 0.000053 and 0.000046, without evidence of when each held) and 2025-12-01 to
/// 2026-07-19. The plan's own fee of those days is known, what a customer of Alpaca paid is not.
pub(super) const CAT: &[Rate] = &[
    Rate {
        from: (2025, 7, 1),
        to: Some((2025, 11, 30)),
        value: 26_500,
        cap_cents: None,
        confidence: Confidence::Secondary,
        source: "Alpaca support page Regulatory Fees: 0.000009 + 0.000013 + FINRA prospective \
         recovery 2025-2 0.0000045; the page names CAT Fee 2025-2 but carries no date of its \
         own, the dates are those of that fee",
    },
    Rate {
        from: (2026, 7, 20),
        to: None,
        value: 3_000,
        cap_cents: None,
        confidence: Confidence::Secondary,
        source: "Alpaca Brokerage Fee Schedule revisions 2026-07-20, 2026-09-01, 2026-09-17 and \
         2026-10-01 as quoted by four public files",
    },
];
