//! Going live through the built binary, up to the last gate before the wire; and without the
//! feature, not a step.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::{Run, command, run_of};
use tempfile::TempDir;

/// A state directory, a configuration beside it, and an environment.
struct Place {
    state: TempDir,
}

impl Place {
    fn new(live: &str) -> Self {
        let state = TempDir::new().unwrap();
        let settings = format!(
            "[accounts.real]\nbroker = \"alpaca\"\nmode = \"live\"\nkey_id_env = \"DATA_ID\"\n\
             secret_key_env = \"DATA_SECRET\"\n[accounts.demo]\nbroker = \"alpaca\"\n[live]\n{live}"
        );
        std::fs::write(state.path().join("atlas-test.toml"), settings).unwrap();
        Self { state }
    }

    fn run(&self, line: &[&str], environment: &[(&str, &str)]) -> Run {
        let config = self.state.path().join("atlas-test.toml");
        let mut words = line.to_vec();
        words.extend(["--config", config.to_str().unwrap()]);
        let mut command = command(self.state.path(), &words);
        command.envs(environment.iter().copied());
        run_of(&command.output().unwrap())
    }
}

#[cfg(not(feature = "live"))]
#[test]
fn a_program_without_the_feature_refuses_a_live_account_and_its_confirmation() {
    let place = Place::new("");
    let run = place.run(&["plan", "--account", "real"], &[]);
    run.fails(3, &["accounts.real.mode is live", "--features live"]);
    let state = TempDir::new().unwrap();
    let words = ["plan", "--live", "trade live on 1"];
    let run = run_of(&command(state.path(), &words).output().unwrap());
    run.fails(3, &["built without live trading"]);
    assert!(common::tree(state.path()).is_empty(), "nothing was made");
}

#[cfg(feature = "live")]
mod with_the_feature {
    use std::collections::BTreeMap;

    use atlas_core::{Account, Usd};
    use atlas_exec::event::{AccountOpened, Event, Reconciled};
    use atlas_exec::folder::AccountFolder;
    use atlas_exec::journal::{Draft, Journal, SqliteStorage};

    use super::*;

    const ENVIRONMENT: [(&str, &str); 3] = [
        ("ATLAS_ALLOW_LIVE", "yes"),
        ("APCA_LIVE_KEY_ID", "a key of nobody"),
        ("APCA_LIVE_SECRET_KEY", "a secret of nobody"),
    ];
    const READY: &str = "enabled = true\naccount_number = \"123\"\nmax_equity = \"200000\"\n\
                         max_order = \"5000\"\nevidence = \"demo\"\n";

    /// A paper account whose books agree.
    fn agree(place: &Place) {
        let folder = AccountFolder::new(place.state.path(), &"demo".parse().unwrap());
        folder.create().unwrap();
        let usd: Usd = "100000".parse().unwrap();
        let account = Account {
            account_number: "PA1".to_owned(),
            cash: usd,
            equity: usd,
            buying_power: usd,
            trading_blocked: false,
        };
        let opened = AccountOpened {
            account_number: "PA1".to_owned(),
            cash: usd,
            positions: BTreeMap::new(),
            bookmark: None,
        };
        let seen = Reconciled { account, positions: BTreeMap::new(), discrepancies: Vec::new() };
        let storage = SqliteStorage::open(&folder.journal()).unwrap();
        let mut journal = Journal::open(Box::new(storage)).unwrap();
        let at = "2026-01-05T22:00:00Z".parse().unwrap();
        for event in [Event::AccountOpened(opened), Event::Reconciled(Box::new(seen))] {
            journal.append(at, vec![Draft { ts_event: at, decision_id: None, event }]).unwrap();
        }
    }

    #[test]
    fn every_gate_holds_back_with_one_sentence() {
        let phrase = ["plan", "--account", "real", "--live", "trade live on 123"];
        let without = |line: &str| READY.replace(line, "");
        for (settings, environment, gate) in [
            (String::new(), &ENVIRONMENT[..], "configuration: live.enabled is false"),
            (READY.to_owned(), &ENVIRONMENT[1..], "environment: ATLAS_ALLOW_LIVE is not set"),
            (READY.to_owned(), &ENVIRONMENT[..2], "credentials: APCA_LIVE_SECRET_KEY not set"),
            (without("account_number = \"123\"\n"), &ENVIRONMENT[..], "account number: "),
            (without("max_order = \"5000\"\n"), &ENVIRONMENT[..], "ceilings: "),
            (
                without("evidence = \"demo\"\n"),
                &ENVIRONMENT[..],
                "evidence: live.evidence does not",
            ),
            (READY.replace("demo", "real"), &ENVIRONMENT[..], "evidence: live.evidence names the"),
            (READY.to_owned(), &ENVIRONMENT[..], "live-gate-paper-days, live-gate-no-mismatch"),
        ] {
            let place = Place::new(&settings);
            let run = place.run(&phrase, environment);
            run.fails(8, &["account real does not trade live", gate]);
            assert!(!place.state.path().join("accounts/real").exists(), "nothing was made: {gate}");
        }
    }

    #[test]
    fn evidence_opens_all_but_the_confirmation() {
        let place = Place::new(READY);
        agree(&place);
        let plan = |phrase: &str| {
            place.run(&["plan", "--account", "real", "--live", phrase], &ENVIRONMENT)
        };
        // The drawdown of an account that never fell is small.
        let gates = ["paper-days", "slippage", "drills"];
        for gate in gates {
            let name = format!("live-gate-{gate}");
            plan("trade live on 123").fails(8, &["evidence: account demo is held back", &name]);
            let line = ["gate", "--account", "demo", "--override", &name, "--why", "a test"];
            place.run(&line, &[]);
        }
        assert_eq!(place.run(&["gate", "--account", "demo"], &[]).code, 0);
        for phrase in ["yes", "trade live on 124", ""] {
            plan(phrase).fails(8, &["confirmation: it has to be --live \"trade live on 123\""]);
        }
        // What was put aside was so for this configuration.
        let config = place.state.path().join("atlas-test.toml");
        let text = std::fs::read_to_string(&config).unwrap().replace("5000", "6000");
        std::fs::write(&config, text).unwrap();
        plan("trade live on 123").fails(8, &["evidence: account demo is held back"]);
    }

    #[test]
    fn a_live_account_takes_no_other_address_and_no_regime_by_hand() {
        let place = Place::new(READY);
        let line = ["plan", "--account", "real", "--live", "x", "--regime", "bull"];
        place.run(&line, &ENVIRONMENT).fails(8, &["--regime is refused with real money"]);
        let line = ["plan", "--account", "demo", "--live", "trade live on 123"];
        place.run(&line, &ENVIRONMENT).fails(3, &["--live is for an account with mode"]);
        let state = TempDir::new().unwrap();
        let config = state.path().join("a.toml");
        let text = "[accounts.real]\nbroker = \"alpaca\"\nmode = \"live\"\n\
                    trading_url = \"http://127.0.0.1:1\"\n";
        std::fs::write(&config, text).unwrap();
        let words = ["plan", "--account", "real", "--config", config.to_str().unwrap()];
        let run = run_of(&command(state.path(), &words).output().unwrap());
        run.fails(3, &["trading_url is set", "live host and nowhere else"]);
    }
}
