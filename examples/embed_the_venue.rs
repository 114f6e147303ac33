//! Starts the simulated exchange on a free port and talks to it with the Alpaca client: what a
//! test of your own could do, without an account, keys or the internet.
//!
//! `cargo run -p atlas-examples --example embed_the_venue`
#![expect(clippy::print_stdout, reason = "an example talks to whoever runs it")]

use anyhow::Result;
use atlas_broker::Broker;
use atlas_broker::alpaca::{Credentials, Endpoint, Options, Paper, Session};
use atlas_core::Symbol;
use atlas_data::{BarSource, SampleSource, Series, Universe};
use atlas_venue::server::{ServeOptions, serve};
use atlas_venue::{Listing, Venue, VenueConfig};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let universe = Universe::resolve(Some("AAPL,IBM"), &SampleSource)?;
    let listings =
        SampleSource.load(&universe)?.series.into_values().filter_map(|series| match series {
            Series::Raw(bars) => Some(Listing::raw(bars)),
            Series::Adjusted(_) => None,
        });
    // The clock stands a while after the opening of an ordinary day, in memory.
    let config = VenueConfig::realistic("2012-08-31T14:00:00Z".parse()?);
    let venue = Venue::open(None, config, listings)?;
    let server = serve(venue.clone(), "127.0.0.1:0".parse()?, ServeOptions::default()).await?;
    println!("trade with any Alpaca client at {}", server.url());

    let credentials =
        Credentials::<Paper>::new(server.key_id.clone(), server.secret.expose().to_owned())?;
    let endpoint = Endpoint::loopback(server.addr);
    let broker = Session::connect(&endpoint, &credentials, &Options::default())?;
    println!("cash {} USD", broker.account().await?.cash);
    let symbols = ["AAPL".parse::<Symbol>()?, "IBM".parse()?];
    for (symbol, quote) in broker.quotes(&symbols).await? {
        let price = |price: Option<atlas_core::Price>| price.map_or("-".into(), |p| p.to_string());
        println!("{symbol}: {} bid, {} asked", price(quote.bid), price(quote.ask));
    }
    venue.advance_to("2012-08-31T21:00:00Z".parse()?)?;
    let clock = broker.clock().await?;
    println!("after the close the market is open: {}; it opens {}", clock.is_open, clock.next_open);
    server.stop().await;
    Ok(())
}
