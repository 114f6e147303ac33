//! Files written here are read back; damaged ones are refused.

use parquet::basic::Compression;
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int32Type, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use proptest::prelude::*;

use super::*;

/// Symbol, day, close and adjusted close; other columns are left out or derived.
type Written = (&'static str, &'static str, f64, Option<f64>);

const ROWS: [Written; 7] = [
    ("AAPL", "2019-01-02", 157.92, Some(155.21)),
    ("AAPL", "2019-01-03", 142.19, Some(139.75)),
    ("KO", "2019-01-02", 46.93, Some(46.93)),
    ("KO", "2019-01-03", 46.64, Some(46.64)),
    ("SPX", "2019-01-02", 2510.03, None),
    ("VIX", "2019-01-02", 23.22, None),
    ("DTB3", "2019-01-02", 2.42, None),
];

fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// The rows as a Parquet file, dates in the given type.
fn written(rows: &[Written], date_type: &str, compression: Compression) -> Vec<u8> {
    let schema = format!(
        "message bars {{ required binary Symbol (UTF8); required {date_type}; required double \
         CLOSE; optional double adj_close; required int64 volume; required boolean odd; }}"
    );
    let schema = Arc::new(parse_message_type(&schema).unwrap());
    let properties = Arc::new(WriterProperties::builder().set_compression(compression).build());
    let mut bytes = Vec::new();
    let mut file = SerializedFileWriter::new(&mut bytes, schema, properties).unwrap();
    let mut group = file.next_row_group().unwrap();
    let days: Vec<i64> =
        rows.iter().map(|row| (date(row.1) - NaiveDate::default()).num_days()).collect();
    let mut place = 0;
    while let Some(mut column) = group.next_column().unwrap() {
        match place {
            0 => {
                let values: Vec<ByteArray> = rows.iter().map(|row| row.0.into()).collect();
                column.typed::<ByteArrayType>().write_batch(&values, None, None).unwrap();
            }
            1 if date_type.starts_with("int32") => {
                let values: Vec<i32> =
                    days.iter().map(|day| i32::try_from(*day).unwrap()).collect();
                column.typed::<Int32Type>().write_batch(&values, None, None).unwrap();
            }
            1 if date_type.starts_with("binary") => {
                let values: Vec<ByteArray> = rows.iter().map(|row| row.1.into()).collect();
                column.typed::<ByteArrayType>().write_batch(&values, None, None).unwrap();
            }
            1 => {
                let per_day = 86_400
                    * match date_type {
                        unit if unit.contains("NANOS") => 1_000_000_000,
                        unit if unit.contains("MICROS") => 1_000_000,
                        _ => 1_000,
                    };
                let values: Vec<i64> = days.iter().map(|day| day * per_day).collect();
                column.typed::<Int64Type>().write_batch(&values, None, None).unwrap();
            }
            2 => {
                let values: Vec<f64> = rows.iter().map(|row| row.2).collect();
                column.typed::<DoubleType>().write_batch(&values, None, None).unwrap();
            }
            3 => {
                let values: Vec<f64> = rows.iter().filter_map(|row| row.3).collect();
                let levels: Vec<i16> = rows.iter().map(|row| i16::from(row.3.is_some())).collect();
                column.typed::<DoubleType>().write_batch(&values, Some(&levels), None).unwrap();
            }
            4 => {
                let values = vec![1_000_i64; rows.len()];
                column.typed::<Int64Type>().write_batch(&values, None, None).unwrap();
            }
            _ => {
                let values = vec![true; rows.len()];
                column
                    .typed::<parquet::data_type::BoolType>()
                    .write_batch(&values, None, None)
                    .unwrap();
            }
        }
        column.close().unwrap();
        place += 1;
    }
    group.close().unwrap();
    file.close().unwrap();
    bytes
}

fn load(bytes: &[u8]) -> Result<MarketData, Error> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bars.parquet");
    std::fs::write(&path, bytes).unwrap();
    let source = crate::open(path.to_str().unwrap())?;
    source.load(&Universe::resolve(None, source.as_ref())?)
}

fn said_of(rows: &[Written]) -> String {
    let error = load(&written(rows, "int32 date (DATE)", Compression::SNAPPY)).unwrap_err();
    let sentence = error.to_string();
    sentence.rsplit_once("bars.parquet: ").map_or(sentence.clone(), |(_, rest)| rest.to_owned())
}

#[test]
fn reads_what_was_written() {
    let zstd = Compression::ZSTD(parquet::basic::ZstdLevel::default());
    for (date_type, compression) in [
        ("int32 date (DATE)", Compression::SNAPPY),
        ("binary Date (UTF8)", Compression::UNCOMPRESSED),
        ("int64 date (TIMESTAMP(MILLIS,true))", zstd),
        ("int64 date (TIMESTAMP(MICROS,true))", zstd),
        ("int64 date (TIMESTAMP(NANOS,true))", zstd),
    ] {
        let market = load(&written(&ROWS, date_type, compression)).unwrap();
        let apple = market.series[&Symbol::new("AAPL").unwrap()].view();
        assert_eq!(apple.dates(), [date("2019-01-02"), date("2019-01-03")], "{date_type}");
        assert_eq!(apple.close(), [157.92, 142.19]);
        assert_eq!(apple.return_closes(), [155.21, 139.75]);
        assert_eq!(apple.volume(), Some([1_000.0, 1_000.0].as_slice()));
        assert_eq!(market.series.len(), 2);
        assert_eq!(market.index.view().close(), [2510.03]);
        assert_eq!(market.vix.unwrap().view().values(), [23.22]);
        assert_eq!(market.rate.unwrap().view().values(), [2.42]);
    }
}

#[test]
fn says_what_is_wrong() {
    for (rows, sentence) in [
        (
            [("KO", "2019-01-02", -1.0, None)].as_slice(),
            "row 1: close -1 is not above zero; correct or remove it",
        ),
        (
            &[("KO", "2019-01-02", f64::NAN, None)],
            "row 1: NaN is not a number; correct or remove it",
        ),
        (
            &[("KO", "2019-01-03", 1.0, None), ("KO", "2019-01-02", 1.0, None)],
            "row 2: 2019-01-02 stands after 2019-01-03 where dates must increase; correct or \
             remove it",
        ),
        (
            &[("ko", "2019-01-03", 1.0, None)],
            "row 1: symbol \"ko\" is not valid: use 1 to 15 of A-Z, 0-9, '.', '-', '/', starting \
             with a letter or digit; correct or remove it",
        ),
    ] {
        assert_eq!(said_of(rows), sentence);
    }
    let no_index = said_of(&[("KO", "2019-01-02", 1.0, None)]);
    assert!(
        no_index.ends_with("has no index: add rows with the symbol SPX or INDEX"),
        "{no_index}"
    );
    let bare = written(&ROWS, "int64 date", Compression::SNAPPY);
    assert!(load(&bare).unwrap_err().to_string().contains("row 1: has no date"));
    let other = written(&ROWS, "int32 day (DATE)", Compression::SNAPPY);
    assert!(load(&other).unwrap_err().to_string().ends_with("has no column \"date\""));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn damaged_files_are_data_or_an_error(
        places in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in any::<prop::sample::Index>(),
        shorten in any::<bool>(),
    ) {
        let mut bytes = written(&ROWS, "int32 date (DATE)", Compression::SNAPPY);
        for (place, byte) in places {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        if shorten {
            bytes.truncate(cut.index(bytes.len()));
        }
        if let Err(error) = load(&bytes) {
            prop_assert!(!error.to_string().is_empty());
        }
    }
}
