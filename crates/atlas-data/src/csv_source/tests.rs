//! Files as people have them, and files as they should not be.

use std::fs;

use tempfile::TempDir;

use super::*;
use crate::Needs;

const BARS: &str = "date,open,high,low,close,adj_close,volume\n\
                    2019-01-02,10,11,9,10.5,10.25,1000\n\
                    2019-01-03,10.5,12,10,11,10.75,0\n";

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        fs::write(folder.path().join(name), content).unwrap();
    }
    folder
}

fn load(path: &Path) -> Result<MarketData, Error> {
    let source = CsvSource::open(path)?;
    source.load(&Universe::resolve(None, &source)?)
}

/// What is said of a folder with this file of AAPL, without the folder's own name.
fn said_of(aapl: &str) -> String {
    let folder = folder(&[("AAPL.csv", aapl), ("index.csv", BARS)]);
    match load(folder.path()) {
        Ok(_) => "fine".to_owned(),
        Err(error) => {
            let prefix = format!("{}/", folder.path().display());
            error.to_string().replace(&prefix, "")
        }
    }
}

#[test]
fn loads_a_folder() {
    let folder = folder(&[
        ("AAPL.csv", BARS),
        ("BRK.B.csv", "\u{feff}Close,\"Date\"\r\n7,2019-01-02\r\n 8 ,\"2019-01-03\"\r\n\r\n"),
        ("TR.csv", "date,open,adj_close\n2019-01-02,1,2\n"),
        ("SPX.csv", "date,close\n1988-01-04,255.94\n2019-01-02,2510.03\n"),
        ("VIX.csv", "date,open,close\n2018-12-31,,25.42\n2019-01-01,,25\n2019-01-02,,23.22\n"),
        ("DTB3.csv", "date,rate_pct\n2019-01-01,2.4\n2019-01-02,\n"),
        ("universe.csv", "not bars"),
        ("README.md", "nor this"),
    ]);
    let market = load(folder.path()).unwrap();
    let basis: Vec<(&str, &str)> =
        market.series.iter().map(|(symbol, s)| (symbol.as_str(), s.view().basis())).collect();
    assert_eq!(basis, [("AAPL", "raw"), ("BRK.B", "raw"), ("TR", "adjusted")]);
    assert_eq!(market.index.view().close(), [2510.03]);
    assert_eq!(market.vix.unwrap().view().values(), [25.42, 23.22]);
    assert_eq!(market.rate.unwrap().view().values(), [2.4]);
    assert_eq!(market.source.notes.len(), 2, "{:?}", market.source.notes);
    let apple = &market.series[&Symbol::new("AAPL").unwrap()];
    assert_eq!(apple.view().return_closes(), [10.25, 10.75]);
    assert_eq!(apple.view().bar(1).unwrap().volume, Some(0.0));
}

#[test]
fn loads_packed_files() {
    let folder = folder(&[("index.csv", BARS)]);
    let file = fs::File::create(folder.path().join("AAPL.csv.gz")).unwrap();
    let mut packer = flate2::write::GzEncoder::new(file, flate2::Compression::best());
    std::io::Write::write_all(&mut packer, BARS.as_bytes()).unwrap();
    packer.finish().unwrap();
    assert_eq!(load(folder.path()).unwrap().series.len(), 1);

    fs::write(folder.path().join("KO.csv.gz"), BARS).unwrap();
    let error = load(folder.path()).unwrap_err().to_string();
    assert!(error.contains("KO.csv.gz: invalid gzip header"), "{error}");

    fs::write(folder.path().join("AAPL.csv"), BARS).unwrap();
    let error = load(folder.path()).unwrap_err().to_string();
    assert!(error.contains("AAPL.csv and ") && error.contains("hold the same series"), "{error}");
}

#[test]
fn loads_a_wide_file() {
    let folder = folder(&[
        ("prices.csv", "Date,KO,AAPL\n1988-01-04,3,3\n2019-01-02,40,\n2019-01-03,41,39.5\n"),
        ("index.csv", BARS),
    ]);
    let path = folder.path().join("prices.csv");
    let market = load(&path).unwrap();
    let apple = &market.series[&Symbol::new("AAPL").unwrap()];
    assert_eq!((apple.view().len(), apple.view().basis()), (1, "adjusted"));
    assert!(market.source.notes[0].ends_with("1 rows before 1990-01-02 are not used."));

    fs::write(&path, "Date,KO,KO\n2019-01-02,40,40\n").unwrap();
    let error = load(&path).unwrap_err().to_string();
    assert!(error.ends_with("prices.csv: has two columns KO; keep one"), "{error}");

    fs::write(&path, BARS).unwrap();
    let error = load(&path).unwrap_err().to_string();
    assert!(error.ends_with("holds the bars of one symbol; give the folder it is in"), "{error}");
}

#[test]
fn says_what_is_missing() {
    let error = CsvSource::open(Path::new("/no/such/folder")).unwrap_err().to_string();
    assert!(error.starts_with("cannot read /no/such/folder: No such file"), "{error}");

    let empty = folder(&[("index.csv", BARS)]);
    let error = load(empty.path()).unwrap_err().to_string();
    assert!(
        error.ends_with("has no prices: add a file such as AAPL.csv for each symbol"),
        "{error}"
    );

    let no_index = folder(&[("AAPL.csv", BARS)]);
    let error = load(no_index.path()).unwrap_err().to_string();
    assert!(error.contains("has no index: add index.csv or SPX.csv"), "{error}");

    let source = CsvSource::open(no_index.path()).unwrap();
    let error = Universe::resolve(Some("APL"), &source).unwrap_err().to_string();
    assert!(error.contains("APL is not in universe all (did you mean AAPL?)"), "{error}");
}

#[test]
fn names_file_line_and_problem() {
    for (rows, sentence) in [
        ("", "AAPL.csv: is empty; a first line that names the columns is expected"),
        ("day,close\n", "AAPL.csv: has no column \"date\"; its columns are \"day,close\""),
        ("date,open\n", "AAPL.csv: has no column \"close\"; its columns are \"date,open\""),
        ("date,close\n2019-01-02\n", "AAPL.csv, line 2: has 1 fields where the header has 2"),
        (
            "date,close\n02.01.2019,5\n",
            "AAPL.csv, line 2: \"02.01.2019\" is not a date like 2019-01-02",
        ),
        (
            "date,close\n2019-02-30,5\n",
            "AAPL.csv, line 2: \"2019-02-30\" is not a date like 2019-01-02",
        ),
        ("date,close\n\n2019-01-02,x\n", "AAPL.csv, line 3: \"x\" is not a number"),
        ("date,close\n2019-01-02,NaN\n", "AAPL.csv, line 2: \"NaN\" is not a number"),
        ("date,close\n2019-01-02,inf\n", "AAPL.csv, line 2: \"inf\" is not a number"),
        ("date,close\n2019-01-02,-5\n", "AAPL.csv, line 2: close -5 is not above zero"),
        ("date,close\n2019-01-02,0\n", "AAPL.csv, line 2: close 0 is not above zero"),
        ("date,close\n2019-01-02,\n", "AAPL.csv, line 2: has neither close nor adj_close"),
        (
            "date,close\n2019-01-03,5\n2019-01-02,5\n",
            "AAPL.csv, line 3: 2019-01-02 stands after 2019-01-03 where dates must increase",
        ),
        ("date,close\n2019-01-02,5\n2019-01-02,5\n", "AAPL.csv, line 3: 2019-01-02 appears twice"),
        (
            "date,close\n2019-01-01,5\n",
            "AAPL.csv, line 2: 2019-01-01 is not a trading session (New Year's Day)",
        ),
        (
            "date,close\n2031-01-02,5\n",
            "AAPL.csv, line 2: 2031-01-02 is outside of the exchange calendar, which covers \
             1990-01-02 to 2030-12-31",
        ),
        ("date,close,volume\n2019-01-02,5,-1\n", "AAPL.csv, line 2: volume -1 is below zero"),
        (
            "date,open,close\n2019-01-02,5,5\n2019-01-03,,5\n",
            "AAPL.csv, line 3: open is empty here but filled above",
        ),
        (
            "date,open,close\n2019-01-02,,5\n2019-01-03,5,5\n",
            "AAPL.csv, line 3: open is filled here but empty above",
        ),
        (
            "date,high,low,close\n2019-01-02,5,6,5.5\n",
            "AAPL.csv: bars of AAPL: 2019-01-02: high 5 is below close 5.5; correct or remove that \
             row",
        ),
    ] {
        let ending =
            if sentence.contains(", line ") { "; correct or remove that line" } else { "" };
        assert_eq!(said_of(rows), format!("{sentence}{ending}"));
    }
    assert_eq!(said_of(BARS), "fine");
}

#[test]
fn refuses_odd_rates_and_levels() {
    for (name, rows, sentence) in [
        ("rate.csv", "date,rate_pct\n2019-01-02,240\n", "240 is not a rate in per cent per year"),
        ("VIX.csv", "date,close\n2019-01-02,\n", "line 2: has no close"),
        ("VIX.csv", "date,close\n2019-01-02,-1\n", "close -1 is not above zero"),
    ] {
        let folder = folder(&[("AAPL.csv", BARS), ("index.csv", BARS), (name, rows)]);
        let error = load(folder.path()).unwrap_err().to_string();
        assert!(error.ends_with(&format!("{sentence}; correct or remove that line")), "{error}");
    }
}

/// The files other people's tools made, as far as the shared folder is there.
#[test]
fn loads_the_shared_files() {
    let shared = std::env::var_os("ATLAS_SHARED_DIR").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared")),
        PathBuf::from,
    );
    let data = shared.join("data");
    if !data.is_dir() {
        println!("skipped: {} is not there", data.display());
        return;
    }
    for (name, count) in [("tech30", 30), ("multi100", 100)] {
        let source = CsvSource::open(&data.join(name))
            .unwrap()
            .with_index(&data.join("daily/SPX.csv.gz"))
            .with_vix(&data.join("daily/VIX.csv.gz"))
            .with_rate(&data.join("rates/DTB3.csv.gz"));
        let market = source.load(&Universe::resolve(None, &source).unwrap()).unwrap();
        assert_eq!(market.series.len(), count);
        let needs = Needs { vix: Some(252), rate: true, ..Needs::new(252, 2_500) };
        let view = market.as_of("2023-06-30".parse().unwrap(), &needs).unwrap();
        assert!(view.rate.is_some());
        assert!(view.warnings.len() < 5, "{:?}", view.warnings);
        for series in market.series.values() {
            assert!(series.adjusted().is_ok(), "{}", series.symbol());
        }
    }
    let wide = data.join("bundle_ok/skfolio/sp500_dataset.csv.gz");
    let source = CsvSource::open(&wide).unwrap().with_index(&data.join("daily/SPX.csv.gz"));
    let market = source.load(&Universe::resolve(None, &source).unwrap()).unwrap();
    assert_eq!(market.series.len(), 20);
}

mod properties {
    use proptest::prelude::*;

    use super::*;

    /// Text that is nearly a file of bars.
    fn nearly_bars() -> impl Strategy<Value = Vec<u8>> {
        let field = prop_oneof![
            Just("2019-01-02".to_owned()),
            Just("2019-01-03".to_owned()),
            Just("10.5".to_owned()),
            Just(String::new()),
            "[-0-9a-z.\"]{0,6}",
        ];
        let line = proptest::collection::vec(field, 1..5).prop_map(|fields| fields.join(","));
        proptest::collection::vec(line, 0..6)
            .prop_map(|lines| format!("date,close,open\n{}\n", lines.join("\n")).into_bytes())
    }

    fn parse_everything(bytes: &[u8]) {
        let symbol = Symbol::new("AAPL").unwrap();
        let results = [
            parse_series("f", &symbol, bytes).map(|_| ()),
            parse_index("f", bytes).map(|_| ()),
            parse_vix("f", bytes).map(|_| ()),
            parse_rate("f", bytes).map(|_| ()),
            parse_closes("f", bytes, &[symbol]).map(|_| ()),
            file::unpack("f", bytes, &mut Digester::default()).map(|_| ()),
        ];
        for error in results.into_iter().filter_map(Result::err) {
            let sentence = error.to_string();
            assert!(!sentence.is_empty() && !sentence.contains('\n'), "{sentence:?}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_are_data_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            parse_everything(&bytes);
        }

        #[test]
        fn nearly_right_text_is_data_or_an_error(bytes in nearly_bars()) {
            parse_everything(&bytes);
        }

        /// What is written in decimals is read back to the same number.
        #[test]
        fn numbers_are_exact(cents in proptest::collection::vec(1_u32..100_000_000, 2)) {
            let text: Vec<String> =
                cents.iter().map(|c| format!("{}.{:03}", c / 1000, c % 1000)).collect();
            let rows = format!("date,close\n2019-01-02,{}\n2019-01-03,{}\n", text[0], text[1]);
            let symbol = Symbol::new("AAPL").unwrap();
            let series = parse_series("f", &symbol, rows.as_bytes()).unwrap().value;
            for (close, text) in series.view().close().iter().zip(&text) {
                prop_assert_eq!(close.to_bits(), text.parse::<f64>().unwrap().to_bits());
            }
            let price = series.view().last_price(None).unwrap();
            prop_assert_eq!(price, text[1].parse().unwrap());
        }
    }
}
