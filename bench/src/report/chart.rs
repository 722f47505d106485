//! An SVG chart with the ratio of the rate of each question's first contender to those of the others. A bar that reaches
//! the dashed line means equal rates.

use std::fmt::Write as _;

use super::{QuestionReport, Report, engine_name};

const LABEL: f64 = 360.0;
const WIDTH: f64 = 960.0;
const BAR: f64 = 16.0;
const STEP: f64 = 24.0;
const TOP: f64 = 48.0;

/// A bar of the chart.
struct Bar {
    label: String,
    ratio: f64,
}

fn bars(question: &QuestionReport) -> impl Iterator<Item = Bar> {
    question.contenders.iter().skip(1).map(|other| Bar {
        label: format!(
            "{} {} · {} · {}",
            question.name,
            engine_name(question.engine),
            question.connections,
            other.name
        ),
        ratio: question.ratio(other),
    })
}

/// Draws the chart of a run.
pub fn chart(report: &Report) -> String {
    draw(&report.questions.iter().flat_map(bars).collect::<Vec<_>>())
}

fn draw(bars: &[Bar]) -> String {
    let max_ratio = bars.iter().map(|bar| bar.ratio).fold(1.0, f64::max).ceil();
    let scale = (WIDTH - LABEL - 60.0) / max_ratio;
    let rows: f64 = bars.iter().map(|_| STEP).sum();
    let height = TOP + rows + 16.0;
    let line = LABEL + scale;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" \
         viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n\
         <text x=\"16\" y=\"24\" font-size=\"14\">Requests per second, relative to the named contender \
         (question · connections · contender)</text>\n"
    );
    for (bar, at) in bars.iter().zip(std::iter::successors(Some(TOP), |at| Some(at + STEP))) {
        let width = bar.ratio * scale;
        let text = at + BAR - 4.0;
        // Writing to a string does not fail.
        let _ = writeln!(
            out,
            "<text x=\"{}\" y=\"{text}\" text-anchor=\"end\">{}</text>\
             <rect x=\"{LABEL}\" y=\"{at}\" width=\"{width:.1}\" height=\"{BAR}\" fill=\"#4477aa\"/>\
             <text x=\"{:.1}\" y=\"{text}\">{:.2}</text>",
            LABEL - 8.0,
            escape(&bar.label),
            LABEL + width + 6.0,
            bar.ratio,
        );
    }
    let _ = writeln!(
        out,
        "<line x1=\"{line}\" y1=\"{}\" x2=\"{line}\" y2=\"{}\" stroke=\"#222\" stroke-dasharray=\"4 3\"/>\n</svg>",
        TOP - 8.0,
        height - 8.0,
    );
    out
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::{Bar, draw, escape};

    #[test]
    fn the_width_of_a_bar_is_proportional_to_its_ratio() {
        let bar = |ratio| Bar { label: "a & b".to_owned(), ratio };
        let chart = draw(&[bar(0.5), bar(1.0), bar(2.0)]);
        // A ratio of 2 is 540 units wide.
        for width in ["width=\"135.0\"", "width=\"270.0\"", "width=\"540.0\""] {
            assert!(chart.contains(width), "{chart}");
        }
        assert!(chart.contains("a &amp; b") && chart.contains("x1=\"630\""), "{chart}");
        assert!(draw(&[]).ends_with("</svg>\n"));
        assert_eq!(escape("<&>"), "&lt;&amp;&gt;");
    }
}
