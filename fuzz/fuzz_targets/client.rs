//! Whatever a server sends, the client reads or refuses it.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    atlas_broker::alpaca::read_everything(bytes);
});
