//! Our events as the lines that hosts understand.

use std::time::SystemTime;

use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::registry::{LookupSpan, Registry, Scope};

use super::console;
use super::record::{self, Fields};

/// Makes what `crates` log from now on go to the host, down to `level`.
///
/// All other crates stay unheard at every level: what they write in detail may be the bytes of a body.
pub(super) fn install(level: LevelFilter, crates: &'static [&'static str]) {
    if level == LevelFilter::OFF {
        return;
    }
    let layer = HostLayer {
        level,
        crates,
        write: console::complain,
    };
    // Whoever embeds this library may have set a subscriber before; then that one is to be used.
    let _ = tracing::subscriber::set_global_default(Registry::default().with(layer));
}

/// What a logging variable means to a host, which filters our lines by the same rules.
pub(super) fn level(text: Option<&str>) -> LevelFilter {
    let Some(text) = text else {
        return LevelFilter::OFF;
    };
    match text.trim().to_ascii_uppercase().as_str() {
        "OFF" => LevelFilter::OFF,
        "ERROR" => LevelFilter::ERROR,
        "WARN" => LevelFilter::WARN,
        "INFO" => LevelFilter::INFO,
        "DEBUG" => LevelFilter::DEBUG,
        // TRACE and JSON by name; a host takes what it does not know for TRACE as well.
        _ => LevelFilter::TRACE,
    }
}

/// Turns spans and events into lines, and hands each to `write` in one piece.
struct HostLayer<W> {
    level: LevelFilter,
    crates: &'static [&'static str],
    write: W,
}

impl<W> HostLayer<W> {
    fn wants(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= self.level
            && std::iter::once(&OWN_CRATE)
                .chain(self.crates)
                .any(|name| belongs_to(metadata.target(), name))
    }
}

impl<S, W> Layer<S> for HostLayer<W>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: Fn(&[u8]) + 'static,
{
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.wants(metadata) {
            Interest::always()
        } else {
            Interest::never()
        }
    }

    fn enabled(&self, metadata: &Metadata<'_>, _context: Context<'_, S>) -> bool {
        self.wants(metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.level)
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            let mut fields = Fields::default();
            attributes.record(&mut fields);
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        for span in context
            .event_scope(event)
            .into_iter()
            .flat_map(Scope::from_root)
        {
            if let Some(outer) = span.extensions().get::<Fields>() {
                fields.extend(outer);
            }
        }
        event.record(&mut fields);
        (self.write)(&record::line(
            *event.metadata().level(),
            SystemTime::now(),
            fields,
        ));
    }
}

fn belongs_to(target: &str, name: &str) -> bool {
    target
        .strip_prefix(name)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

const OWN_CRATE: &str = env!("CARGO_CRATE_NAME");

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::sync::{Arc, Mutex};

    use serde_json::{Value, json};
    use tracing::{debug, error, info, info_span};

    use super::*;

    /// What a host would be told of the events in `act`.
    fn lines(level: LevelFilter, act: impl FnOnce()) -> Vec<Value> {
        let written = Arc::new(Mutex::new(Vec::new()));
        let layer = HostLayer {
            level,
            crates: &["acme_cloud"],
            write: {
                let written = Arc::clone(&written);
                move |line: &[u8]| written.lock().unwrap().push(line.to_vec())
            },
        };
        tracing::subscriber::with_default(Registry::default().with(layer), act);
        let written = written.lock().unwrap();
        written
            .iter()
            .map(|line| {
                assert!(line.ends_with(b"\n"));
                serde_json::from_slice(line).unwrap()
            })
            .collect()
    }

    #[test]
    fn understands_the_levels_of_a_host() {
        for (text, expected) in [
            (None, LevelFilter::OFF),
            (Some("off"), LevelFilter::OFF),
            (Some("error"), LevelFilter::ERROR),
            (Some("Warn"), LevelFilter::WARN),
            (Some("INFO"), LevelFilter::INFO),
            (Some("debug"), LevelFilter::DEBUG),
            (Some("TRACE"), LevelFilter::TRACE),
            (Some("JSON"), LevelFilter::TRACE),
            (Some("nonsense"), LevelFilter::TRACE),
        ] {
            assert_eq!(level(text), expected, "{text:?}");
        }
    }

    #[test]
    fn writes_a_line_with_the_fields_of_the_event_and_of_its_spans() {
        let written = lines(LevelFilter::INFO, || {
            let outer = info_span!("rpc", tf_rpc = "ReadResource", attempt = 1);
            outer.in_scope(|| {
                let inner = info_span!("call", late = tracing::field::Empty);
                inner.record("late", true);
                inner.in_scope(|| info!(attempt = 2, "asked {}", "Atlas"));
            });
        });
        assert_eq!(written.len(), 1);
        let line = &written[0];
        assert_eq!(line["@message"], "asked Atlas");
        assert_eq!(line["@level"], "info");
        assert_eq!(line["@module"], "provider");
        assert_eq!(line["@timestamp"].as_str().unwrap().len(), 27);
        assert_eq!(line["tf_rpc"], "ReadResource");
        assert_eq!(line["attempt"], json!(2));
        assert_eq!(line["late"], json!(true));
    }

    #[test]
    fn does_not_even_format_what_is_below_the_level() {
        let formatted = |level| {
            let mut evaluated = false;
            let written = lines(level, || {
                debug!(
                    x = {
                        evaluated = true;
                        1
                    },
                    "detail"
                );
            });
            (evaluated, written.len())
        };
        assert_eq!(formatted(LevelFilter::INFO), (false, 0));
        assert_eq!(formatted(LevelFilter::DEBUG), (true, 1));
    }

    #[test]
    fn says_nothing_of_other_crates_at_any_level() {
        let written = lines(LevelFilter::TRACE, || {
            error!(target: "h2::codec", "bytes");
            error!(target: "acme_cloud_internals", "bytes");
            error!(target: "acme_cloud", "ours");
            error!(target: "acme_cloud::transport", "ours");
            error!("ours");
        });
        assert_eq!(written.len(), 3);
        assert!(written.iter().all(|line| line["@message"] == "ours"));
    }
}
