//! The date rules against a calendar that only counts days: every day of four years is "now" once.

use super::tests::read_at;
use crate::{analytics::ask::Clock, domain::Timestamp};

const DAY_US: i64 = 86_400_000_000;
/// 2024-01-01 in days since the epoch; a Monday, in a leap year.
const FIRST_DAY: i64 = 19_723;
const DAYS: i64 = 1_461;
const LENGTHS: [i64; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
const WEEKDAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// Every day from 2014 to 2029 as year, month and day, counted one by one.
struct Calendar {
    days: Vec<(i64, usize, i64)>,
}

/// 2014-01-01: ten years of 365 days and two leap days before 2024.
const CALENDAR_DAY: i64 = FIRST_DAY - 3_652;

impl Calendar {
    fn new() -> Self {
        let mut days = Vec::new();
        for year in 2014..2030_i64 {
            for (month, length) in LENGTHS.iter().enumerate() {
                let leap = i64::from(month == 1 && year % 4 == 0);
                days.extend((1..=length + leap).map(|day| (year, month, day)));
            }
        }
        Self { days }
    }

    fn at(&self, day: i64) -> (i64, usize, i64) {
        self.days[usize::try_from(day - CALENDAR_DAY).unwrap()]
    }

    /// The last day up to `day` that passes.
    fn back(&self, day: i64, passes: impl Fn(i64, (i64, usize, i64)) -> bool) -> i64 {
        (0..4_000).map(|back| day - back).find(|day| passes(*day, self.at(*day))).unwrap()
    }

    /// The first day behind `day` that passes.
    fn on(&self, day: i64, passes: impl Fn(i64, (i64, usize, i64)) -> bool) -> i64 {
        (1..4_000).map(|on| day + on).find(|day| passes(*day, self.at(*day))).unwrap()
    }
}

fn weekday(day: i64) -> usize {
    usize::try_from((day - FIRST_DAY).rem_euclid(7)).unwrap()
}

#[test]
fn a_calendar_that_counts_days_agrees_for_four_years_of_now() {
    let calendar = Calendar::new();
    assert_eq!(calendar.at(FIRST_DAY), (2024, 0, 1));
    let mut rules = 0;
    for number in 0..DAYS {
        let today = FIRST_DAY + number;
        // Another time of the day each day, midnight among them.
        let now = today * DAY_US + (number % 24) * 3_600_000_000 + (number % 7) * 61_000_000;
        let clock = Clock::utc(Timestamp { unix_us: now });
        let (year, month, day) = calendar.at(today);
        let first = |_: i64, date: (i64, usize, i64)| date.2 == 1;
        let monday = |day: i64, _: (i64, usize, i64)| weekday(day) == 0;
        let new_year = |_: i64, date: (i64, usize, i64)| date.1 == 0 && date.2 == 1;
        let quarter = |_: i64, date: (i64, usize, i64)| date.1.is_multiple_of(3) && date.2 == 1;
        let of_month = calendar.back(today, first);
        let of_week = calendar.back(today, monday);
        let of_year = calendar.back(today, new_year);
        let of_quarter = calendar.back(today, quarter);
        let mut expect = |words: &str, from_us: i64, to_us: i64| {
            rules += 1;
            let found = read_at(words, &clock);
            let expected = if from_us < to_us { Some((from_us, to_us)) } else { None };
            assert_eq!(found, expected, "{words} on {:?} at {now}", (year, month + 1, day));
        };
        let mut days = |words: &str, from: i64, to: i64| expect(words, from * DAY_US, (to * DAY_US).min(now));
        days("today", today, today + 1);
        days("yesterday", today - 1, today);
        days("this week", of_week, of_week + 7);
        days("last week", of_week - 7, of_week);
        days("this month", of_month, today + 1);
        days("last month", calendar.back(of_month - 1, first), of_month);
        days("this quarter", of_quarter, today + 1);
        days("last quarter", calendar.back(of_quarter - 1, quarter), of_quarter);
        days("this year", of_year, today + 1);
        days("last year", calendar.back(of_year - 1, new_year), of_year);
        days("last 14 days", today - 13, today + 1);
        days("last 2 weeks", today - 13, today + 1);
        days("past month", today - 29, today + 1);
        days("3 days ago", today - 3, today - 2);
        days("the weekend", of_week - 2, of_week);
        let ago = weekday(today - 9);
        let named = WEEKDAYS[ago];
        let that = calendar.back(today, |day, _| weekday(day) == ago);
        days(named, that, that + 1);
        days(&format!("since {named}"), that, today + 1);
        let before = calendar.back(today - 1, |day, _| weekday(day) == ago);
        days(&format!("last {named}"), before, before + 1);
        // Another month each day; a month that has begun.
        let named = usize::try_from(number % 12).unwrap();
        let begun = calendar.back(today, |_, date| date.1 == named && date.2 == 1);
        days(&format!("in {}", MONTHS[named]), begun, calendar.on(begun, first));
        let on_day = number % 28 + 1;
        let date = calendar.back(today, |_, date| date.1 == named && date.2 == on_day);
        days(&format!("{} {on_day}", MONTHS[named]), date, date + 1);
        days(
            &format!("the week of {} {on_day}", MONTHS[named]),
            calendar.back(date, monday),
            calendar.on(date, monday),
        );
        let the = calendar.back(today, |_, date| date.2 == on_day);
        days(&format!("on the {on_day}th").replace("1th", "1st").replace("11st", "11th"), the, the + 1);
        let nth = number % 4;
        let start = calendar.back(today, |_, date| date.1 == usize::try_from(nth * 3).unwrap() && date.2 == 1);
        days(&format!("q{}", nth + 1), start, calendar.on(start, quarter));
        // The same day some months ago, or the last of a shorter month.
        let count = number % 11 + 1;
        let back = year * 12 + i64::try_from(month).unwrap() - count;
        let (past_year, past_month) = (back.div_euclid(12), usize::try_from(back.rem_euclid(12)).unwrap());
        let past = calendar.back(today, |_, date| (date.0, date.1) == (past_year, past_month) && date.2 <= day);
        let words = if count == 1 { "last 1 month".to_owned() } else { format!("last {count} months") };
        days(&words, past, today + 1);
        let (one, other) = (calendar.at(today - 40), calendar.at(today - 20));
        let words =
            format!("from {} {} {} to {} {} {}", MONTHS[one.1], one.2, one.0, MONTHS[other.1], other.2, other.0);
        days(&words, today - 40, today - 19);
        expect("last 90 minutes", now - 90 * 60_000_000, now);
        expect("last 24 hours", now - DAY_US, now);
    }
    assert!(rules > 35_000, "{rules}");
}
