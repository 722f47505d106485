//! A chart of ratios, as SVG: how the first contender of each question stands to each of the others. A bar that reaches
//! the line has the same rate.

use std::fmt::Write as _;

use super::{Asked, Report, name};

const LABEL: f64 = 360.0;
const WIDTH: f64 = 960.0;
const BAR: f64 = 16.0;
const STEP: f64 = 24.0;
const TOP: f64 = 48.0;

/// A bar.
struct Bar {
    label: String,
    ratio: f64,
}

fn bars(asked: &Asked) -> impl Iterator<Item = Bar> {
    asked.contenders.iter().skip(1).map(|other| Bar {
        label: format!("{} {} · {} · {}", asked.name, name(asked.base), asked.connections, other.name),
        ratio: asked.ratio(other),
    })
}

/// The chart of a run.
pub fn chart(report: &Report) -> String {
    draw(&report.questions.iter().flat_map(bars).collect::<Vec<_>>())
}

fn draw(bars: &[Bar]) -> String {
    let most = bars.iter().map(|bar| bar.ratio).fold(1.0, f64::max).ceil();
    let scale = (WIDTH - LABEL - 60.0) / most;
    let rows: f64 = bars.iter().map(|_| STEP).sum();
    let height = TOP + rows + 16.0;
    let line = LABEL + scale;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" \
         viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n\
         <text x=\"16\" y=\"24\" font-size=\"14\">Requests a second, beside those of the contender named \
         (question · connections · contender)</text>\n"
    );
    for (bar, at) in bars.iter().zip(std::iter::successors(Some(TOP), |at| Some(at + STEP))) {
        let width = bar.ratio * scale;
        let text = at + BAR - 4.0;
        // Writing into a string does not fail.
        let _ = writeln!(
            out,
            "<text x=\"{}\" y=\"{text}\" text-anchor=\"end\">{}</text>\
             <rect x=\"{LABEL}\" y=\"{at}\" width=\"{width:.1}\" height=\"{BAR}\" fill=\"#4477aa\"/>\
             <text x=\"{:.1}\" y=\"{text}\">{:.2}</text>",
            LABEL - 8.0,
            escaped(&bar.label),
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

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::{Bar, draw, escaped};

    #[test]
    fn bars_are_as_long_as_their_ratios() {
        let bar = |ratio| Bar { label: "a & b".to_owned(), ratio };
        let chart = draw(&[bar(0.5), bar(1.0), bar(2.0)]);
        // 540 points for a ratio of two.
        for width in ["width=\"135.0\"", "width=\"270.0\"", "width=\"540.0\""] {
            assert!(chart.contains(width), "{chart}");
        }
        assert!(chart.contains("a &amp; b") && chart.contains("x1=\"630\""), "{chart}");
        assert!(draw(&[]).ends_with("</svg>\n"));
        assert_eq!(escaped("<&>"), "&lt;&amp;&gt;");
    }
}
