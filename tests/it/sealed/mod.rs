//! Keys out of state: what a sealed certificate leaves behind in its whole life, and when it is sealed or a new one is issued.

mod changes;
mod hardware;
mod life;
mod unread;

use crate::support::age::Pair;

fn recipients(pairs: &[&Pair]) -> String {
    let list: Vec<&str> = pairs.iter().map(|pair| pair.recipient.as_str()).collect();
    format!("private_key_recipients = {list:?}")
}
