//! Drawing in SVG: a plot area with axes, and text that cannot break out of its element.

use std::fmt::{self, Write as _};

use chrono::{Datelike as _, NaiveDate};

/// Text as it may stand between tags or in an attribute.
pub(crate) struct Escaped<'a>(pub(crate) &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for letter in self.0.chars() {
            match letter {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                other => f.write_char(other)?,
            }
        }
        Ok(())
    }
}

/// A plot area whose x runs over `count` places and whose y runs from `low` to `high`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plot {
    pub(crate) height: f64,
    count: usize,
    low: f64,
    high: f64,
    log: bool,
}

/// Width of every chart, in units of its own.
pub(crate) const WIDTH: f64 = 960.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 26.0;

impl Plot {
    /// One around values; logarithmic where they are above zero and spread by more than three
    /// times. Nothing to draw gives a plot from 0 to 1.
    pub(crate) fn around(height: f64, count: usize, values: impl Iterator<Item = f64>) -> Self {
        let finite = values.filter(|value| value.is_finite());
        let (low, high) = finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
            (low.min(value), high.max(value))
        });
        let (low, high) = if low <= high { (low, high) } else { (0.0, 1.0) };
        let log = low > 0.0 && high > 3.0 * low;
        let pad = if high > low { (high - low) * 0.04 } else { high.abs().max(1.0) * 0.04 };
        let (low, high) = if log { (low / 1.05, high * 1.05) } else { (low - pad, high + pad) };
        Self { height, count, low, high, log }
    }

    /// The same, never logarithmic: for ratios, whose distances mean the same everywhere.
    pub(crate) fn linear(height: f64, count: usize, values: impl Iterator<Item = f64>) -> Self {
        // With a zero among them nothing is logarithmic.
        Self::around(height, count, values.chain([0.0]))
    }

    #[expect(clippy::cast_precision_loss, reason = "places stay far below 2^53")]
    pub(crate) fn x(&self, place: usize) -> f64 {
        let span = self.count.saturating_sub(1).max(1) as f64;
        LEFT + (WIDTH - LEFT - RIGHT) * place as f64 / span
    }

    pub(crate) fn y(&self, value: f64) -> f64 {
        let scale = |value: f64| if self.log { value.max(1e-12).ln() } else { value };
        let (low, high) = (scale(self.low), scale(self.high));
        let share = ((scale(value) - low) / (high - low)).clamp(0.0, 1.0);
        TOP + (self.height - TOP - BOTTOM) * (1.0 - share)
    }

    /// Begins the drawing; `label` is what a screen reader says.
    pub(crate) fn open(&self, out: &mut String, label: &str) -> fmt::Result {
        write!(
            out,
            "<svg viewBox=\"0 0 {WIDTH} {}\" role=\"img\" aria-label=\"{}\">",
            self.height,
            Escaped(label)
        )
    }

    /// Lines and numbers of the y axis.
    pub(crate) fn y_axis(&self, out: &mut String, show: impl Fn(f64) -> String) -> fmt::Result {
        for value in ticks(self.low, self.high, self.log) {
            let y = self.y(value);
            write!(
                out,
                "<line class=\"g\" x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\
                 <text class=\"t e\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
                WIDTH - RIGHT,
                LEFT - 6.0,
                y + 4.0,
                Escaped(&show(value))
            )?;
        }
        Ok(())
    }

    /// Labels below the x axis.
    pub(crate) fn x_axis<'a>(
        &self,
        out: &mut String,
        labels: impl Iterator<Item = (usize, &'a str)>,
    ) -> fmt::Result {
        for (place, label) in labels {
            write!(
                out,
                "<text class=\"t m\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
                self.x(place),
                self.height - 8.0,
                Escaped(label)
            )?;
        }
        Ok(())
    }

    /// Labels where a year begins, or where a month does if that says too little; no nearer to each
    /// other than there is room for.
    pub(crate) fn dates(
        &self,
        out: &mut String,
        dates: impl Iterator<Item = NaiveDate> + Clone,
    ) -> fmt::Result {
        let year = |date: NaiveDate| date.year().to_string();
        let month = |date: NaiveDate| format!("{}-{:02}", date.year(), date.month());
        let mut labels = self.fresh(dates.clone(), year);
        if labels.len() < 3 {
            labels = self.fresh(dates, month);
        }
        self.x_axis(out, labels.iter().map(|(place, label)| (*place, label.as_str())))
    }

    fn fresh(
        &self,
        dates: impl Iterator<Item = NaiveDate>,
        name: impl Fn(NaiveDate) -> String,
    ) -> Vec<(usize, String)> {
        let mut labels: Vec<(usize, String)> = Vec::new();
        let mut before = None;
        for (place, date) in dates.enumerate() {
            let label = name(date);
            let fresh = before.replace(label.clone()).is_some_and(|before| before != label);
            let room = labels.last().is_none_or(|(last, _)| self.x(place) - self.x(*last) > 60.0);
            if fresh && room && self.x(place) < WIDTH - 26.0 {
                labels.push((place, label));
            }
        }
        labels
    }

    /// A line through values at every place.
    pub(crate) fn line(
        &self,
        out: &mut String,
        class: &str,
        values: impl Iterator<Item = f64>,
    ) -> fmt::Result {
        write!(out, "<polyline class=\"{class}\" points=\"")?;
        for (place, value) in values.enumerate().filter(|(_, value)| value.is_finite()) {
            write!(out, "{:.1},{:.1} ", self.x(place), self.y(value))?;
        }
        out.write_str("\"/>")
    }

    /// The area between values and a level.
    pub(crate) fn area(
        &self,
        out: &mut String,
        class: &str,
        level: f64,
        values: impl Iterator<Item = f64>,
    ) -> fmt::Result {
        let base = self.y(level);
        write!(out, "<polygon class=\"{class}\" points=\"{:.1},{base:.1} ", self.x(0))?;
        for (place, value) in values.enumerate() {
            write!(out, "{:.1},{:.1} ", self.x(place), self.y(value))?;
        }
        write!(out, "{:.1},{base:.1}\"/>", self.x(self.count.saturating_sub(1)))
    }

    /// A shade over the places from one to another.
    pub(crate) fn shade(
        &self,
        out: &mut String,
        class: &str,
        (from, to): (usize, usize),
        title: &str,
    ) -> fmt::Result {
        let (left, right) = (self.x(from), self.x(to));
        write!(
            out,
            "<rect class=\"{class}\" x=\"{left:.1}\" y=\"{TOP}\" width=\"{:.1}\" \
             height=\"{:.1}\"><title>{}</title></rect>",
            (right - left).max(0.5),
            self.height - TOP - BOTTOM,
            Escaped(title)
        )
    }
}

/// About five round values.
fn ticks(low: f64, high: f64, log: bool) -> Vec<f64> {
    if log {
        let steps = [1.0, 2.0, 5.0];
        let first = low.log10().floor();
        let powers = (0..12).map(|up| libm_pow10(first + f64::from(up)));
        let all = powers.flat_map(|power| steps.map(|step| step * power));
        return all.filter(|value| (low..=high).contains(value)).collect();
    }
    let rough = (high - low) / 5.0;
    let power = libm_pow10(rough.log10().floor());
    let step = [1.0, 2.0, 2.5, 5.0, 10.0]
        .into_iter()
        .map(|step| step * power)
        .find(|step| *step >= rough)
        .unwrap_or(rough);
    let mut value = (low / step).ceil() * step;
    let mut all = Vec::new();
    while value <= high && all.len() < 20 {
        // Half a step below rounding, so that zero is zero.
        all.push(if value.abs() < step * 1e-9 { 0.0 } else { value });
        value += step;
    }
    all
}

fn libm_pow10(power: f64) -> f64 {
    10.0_f64.powf(power)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_inside() {
        assert_eq!(ticks(-0.1, 1.0, false), [0.0, 0.25, 0.5, 0.75, 1.0]);
        let log = ticks(90_000.0, 450_000.0, true);
        assert_eq!(log, [100_000.0, 200_000.0]);
        assert!(ticks(3.0, 3.0, false).len() <= 20);
    }

    #[test]
    fn short_periods_are_labelled_by_months() {
        let shown = |days: i64| {
            let first = NaiveDate::from_ymd_opt(2017, 1, 31).unwrap();
            let dates: Vec<NaiveDate> =
                (0..days).map(|day| first + chrono::TimeDelta::days(day)).collect();
            let plot = Plot::around(100.0, dates.len(), [1.0].into_iter());
            let mut out = String::new();
            plot.dates(&mut out, dates.into_iter()).unwrap();
            out
        };
        assert!(shown(330).contains(">2017-03<"), "{}", shown(330));
        assert!(shown(2_000).contains(">2019<") && !shown(2_000).contains("2017-"));
    }

    #[test]
    fn text_cannot_break_out() {
        let text = "<script>&\"'";
        assert_eq!(Escaped(text).to_string(), "&lt;script&gt;&amp;&quot;&#39;");
    }
}
