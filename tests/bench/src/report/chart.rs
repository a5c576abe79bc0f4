//! One chart of a group: bars of the figure it is about.

use std::fmt::Write;

use crate::figures::Figures;
use crate::metric::Metric;
use crate::plan::Group;

/// An SVG image; `None` when the group has no figure.
pub(super) fn chart_of(group: &Group, figures: &Figures) -> Option<String> {
    // What the first goal is about is what most of the contestants have.
    let metric = group.goals.first()?.metric;
    let metric = if metric == Metric::HeapAboveBytes { Metric::Heap } else { metric };
    let bars: Vec<(&str, f64)> = group
        .contestants
        .iter()
        .filter_map(|one| Some((one.label.as_str(), figures.spread(&one.label, metric)?.median)))
        .collect();
    let most = bars.iter().map(|(_, value)| *value).reduce(f64::max)?.max(f64::MIN_POSITIVE);
    let height = 34 + bars.len() * 22;
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"760\" height=\"{height}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"760\" height=\"{height}\" fill=\"#ffffff\"/>\n\
         <text x=\"8\" y=\"18\" font-weight=\"bold\">{}: {metric}</text>\n",
        group.name
    );
    for (index, (label, value)) in bars.iter().enumerate() {
        let (top, width) = (30 + index * 22, (value / most * 360.0).max(1.0));
        let colour = if label.starts_with("portolan") { "#1f6feb" } else { "#8c959f" };
        let _ = writeln!(
            text,
            "<text x=\"312\" y=\"{}\" text-anchor=\"end\">{label}</text>\
             <rect x=\"320\" y=\"{top}\" width=\"{width:.1}\" height=\"16\" fill=\"{colour}\"/>\
             <text x=\"{:.1}\" y=\"{}\">{}</text>",
            top + 12,
            326.0 + width,
            top + 12,
            metric.shown(*value)
        );
    }
    text.push_str("</svg>\n");
    Some(text)
}
