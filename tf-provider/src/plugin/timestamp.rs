use std::time::{SystemTime, UNIX_EPOCH};

/// RFC 3339 in UTC with six digits after the point: with any other number of them a host does not read the line.
pub(super) fn timestamp(time: SystemTime) -> String {
    let elapsed = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let seconds = elapsed.as_secs();
    let (year, month, day) = date(seconds / DAY);
    let (hour, minute, second) = (seconds % DAY / 3600, seconds % 3600 / 60, seconds % 60);
    let micros = elapsed.subsec_micros();
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}Z")
}

/// The Gregorian date so many days after 1970-01-01.
fn date(mut days: u64) -> (u64, u64, u64) {
    // Count from 1 March 1600: leap days then fall on the ends of years, of centuries and of their cycle.
    days += DAYS_FROM_MARCH_1600;
    let (cycles, rest) = (days / DAYS_IN_400_YEARS, days % DAYS_IN_400_YEARS);
    let centuries = (rest / DAYS_IN_CENTURY).min(3);
    let rest = rest - centuries * DAYS_IN_CENTURY;
    let leaps = rest / DAYS_IN_4_YEARS;
    let rest = rest - leaps * DAYS_IN_4_YEARS;
    let years = (rest / 365).min(3);
    let mut day = rest - years * 365;
    let mut month = 3;
    for length in MONTHS_FROM_MARCH {
        if day < length {
            break;
        }
        day -= length;
        month += 1;
    }
    let year = 1600 + cycles * 400 + centuries * 100 + leaps * 4 + years;
    if month > 12 {
        (year + 1, month - 12, day + 1)
    } else {
        (year, month, day + 1)
    }
}

const DAY: u64 = 24 * 60 * 60;
const DAYS_FROM_MARCH_1600: u64 = 135_080;
const DAYS_IN_400_YEARS: u64 = 146_097;
const DAYS_IN_CENTURY: u64 = 36_524;
const DAYS_IN_4_YEARS: u64 = 1_461;
/// February, last, is as long as it needs to be.
const MONTHS_FROM_MARCH: [u64; 11] = [31, 30, 31, 30, 31, 31, 30, 31, 30, 31, 31];

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn writes_the_time_with_exactly_six_digits() {
        for (micros, expected) in [
            (0, "1970-01-01T00:00:00.000000Z"),
            (951_782_399_000_001, "2000-02-28T23:59:59.000001Z"),
            (951_782_400_000_000, "2000-02-29T00:00:00.000000Z"),
            (951_868_800_000_000, "2000-03-01T00:00:00.000000Z"),
            (1_735_689_599_999_999, "2024-12-31T23:59:59.999999Z"),
            (1_735_689_600_100_000, "2025-01-01T00:00:00.100000Z"),
            (4_107_542_400_000_000, "2100-03-01T00:00:00.000000Z"),
            (13_574_563_200_000_000, "2400-02-29T00:00:00.000000Z"),
        ] {
            let time = UNIX_EPOCH + Duration::from_micros(micros);
            assert_eq!(timestamp(time), expected);
        }
    }

    #[test]
    fn counts_the_days_of_every_month_for_eight_centuries() {
        let leap = |year: u64| {
            year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
        };
        let mut days = 0;
        for year in 1970..2770 {
            for month in 1..=12 {
                let length = match month {
                    2 => 28 + u64::from(leap(year)),
                    4 | 6 | 9 | 11 => 30,
                    _ => 31,
                };
                for day in 1..=length {
                    assert_eq!(date(days), (year, month, day));
                    days += 1;
                }
            }
        }
    }
}
