//! The designs of the simulation study and what was published about them.

use atlas_regime::Error;
use atlas_regime::Mt19937;
use atlas_regime::hmm::HmmModel;

use super::float;
use super::methods::{Choice, Method, Sample};
use super::simulate::{Chain, centred_features, features, normal, standardise};

/// A published mean accuracy, its standard deviation over paths (NaN where none is published) and
/// the number of paths.
#[derive(Debug, Clone, Copy)]
pub struct Published(pub f64, pub f64, pub f64);

/// One method in one design.
pub struct Entry {
    pub method: Method,
    pub name: &'static str,
    pub published: Option<Published>,
    pub choices: Vec<Choice>,
}

/// One design.
pub struct Cell {
    pub key: String,
    pub title: String,
    pub paths: usize,
    pub entries: Vec<Entry>,
    /// The discrete model, the true parameters and the hidden Markov model online, in this order,
    /// where they are run.
    pub online: Vec<Entry>,
    /// Published figures of the discrete model at single penalties.
    pub by_penalty: Vec<(f64, Published)>,
    chain: Chain,
    design: Design,
    length: usize,
}

#[derive(Clone, Copy, PartialEq)]
enum Design {
    /// One series of returns and fifteen features of it, backward-looking or centred.
    Series { centred: bool },
    /// Columns of which the first fifteen have the state's mean.
    Columns(usize),
}

impl Cell {
    /// Returns of a chain and fifteen features of them, backward-looking or centred.
    pub fn series(key: &str, title: &str, chain: Chain, length: usize, centred: bool) -> Self {
        let (paths, entries, by_penalty) = (PATHS, Vec::new(), Vec::new());
        let online = Vec::new();
        let design = Design::Series { centred };
        let (suffix, features) =
            if centred { ("_centred", ", centred features") } else { ("", "") };
        let key = format!("{key}_{length}{suffix}");
        let title = format!("{title}, T = {length}{features}");
        Self { key, title, paths, entries, online, by_penalty, chain, design, length }
    }

    /// The path of a number: the same states and draws for every method.
    pub fn sample(&self, path: usize) -> Sample {
        let mut rng = Mt19937::new(u32::try_from(path).unwrap_or(0) + 1);
        let truth = self.chain.states(self.length, &mut rng);
        let states = self.chain.means.len();
        match self.design {
            Design::Series { centred } => {
                let observed = self.chain.observations(&truth, &mut rng);
                let features =
                    if centred { centred_features(&observed) } else { features(&observed) };
                Sample {
                    states,
                    truth,
                    observed,
                    observed_cols: 1,
                    features,
                    cols: 15,
                    ahead: centred,
                }
            }
            Design::Columns(cols) => {
                let mut data = Vec::with_capacity(self.length * cols);
                for &s in &truth {
                    let shift = |j| if j < 15 { self.chain.means[s as usize] } else { 0.0 };
                    data.extend((0..cols).map(|j| normal(&mut rng) + shift(j)));
                }
                standardise(&mut data, cols);
                let (features, observed) = (data.clone(), data);
                Sample {
                    states,
                    truth,
                    observed,
                    observed_cols: cols,
                    features,
                    cols,
                    ahead: false,
                }
            }
        }
    }

    /// Number of states that occur on a path.
    pub fn present(&self, path: usize) -> usize {
        let mut rng = Mt19937::new(u32::try_from(path).unwrap_or(0) + 1);
        let truth = self.chain.states(self.length, &mut rng);
        (0..).take(self.states()).filter(|state| truth.contains(state)).count()
    }

    pub const fn states(&self) -> usize {
        self.chain.means.len()
    }

    /// The true parameters, the chance of each first state included.
    pub fn oracle(&self) -> Result<HmmModel, Error> {
        let Chain { transitions, means, deviations } = self.chain.clone();
        let means = means.iter().map(|m| vec![*m]).collect();
        let variances = deviations.iter().map(|s| vec![s * s]).collect();
        HmmModel::from_parameters(self.chain.stationary(), transitions, means, variances)
    }
}

/// The penalties of Aydınhan and others: 10⁻², 10⁻¹, 1, ten from 10 to 10⁴, 10⁵, 10⁶.
pub fn penalties() -> Vec<Choice> {
    let mut out = vec![0.01, 0.1, 1.0];
    out.extend((0..10).map(|i| 10.0 * 1000.0_f64.powf(float(i) / 9.0)));
    out.extend([1e5, 1e6]);
    out.into_iter().map(|penalty| (penalty, 0.0)).collect()
}

/// All designs.
pub fn cells() -> Vec<Cell> {
    let mut out = three_states();
    out.extend(two_states());
    out.extend(columns());
    out.extend(super::lengths::cells());
    out
}

/// Paths of a two-state design of returns.
const PATHS: usize = 300;

pub const CONTINUOUS: [(Method, &str); 2] = [
    (Method::Continuous { mode_loss: false }, "continuous jump model"),
    (Method::Continuous { mode_loss: true }, "continuous, mode loss"),
];

/// The discrete model on the same penalties, the true parameters and the hidden Markov model, all
/// online.
fn online() -> Vec<Entry> {
    let entry = |method, name, choices| Entry { method, name, published: None, choices };
    vec![
        entry(Method::Online, "discrete jump model, online", penalties()),
        entry(Method::OnlineOracle, "true parameters, online", vec![(0.0, 0.0)]),
        entry(Method::OnlineMarkov, "hidden Markov model, online", vec![(0.0, 0.0)]),
    ]
}

fn three_states() -> Vec<Cell> {
    let published = [
        (
            500,
            [(0.8145, 0.159), (0.5403, 0.108), (0.7227, 0.146), (0.7399, 0.147), (0.7427, 0.150)],
        ),
        (
            1000,
            [(0.8432, 0.133), (0.5534, 0.122), (0.7368, 0.150), (0.7521, 0.145), (0.7526, 0.146)],
        ),
        (
            2000,
            [(0.8807, 0.107), (0.5756, 0.141), (0.7584, 0.155), (0.7810, 0.146), (0.7800, 0.145)],
        ),
    ];
    let cell = |(length, figures): (usize, [(f64, f64); 5])| {
        let figure = |i: usize| Some(Published(figures[i].0, figures[i].1, 1024.0));
        let entry = |method, name, published, choices: &[Choice]| Entry {
            method,
            name,
            published,
            choices: choices.to_vec(),
        };
        let once = [(0.0, 0.0)];
        let mut entries = vec![
            entry(Method::Oracle, "true parameters, Viterbi", figure(0), &once),
            entry(Method::Markov(10), "hidden Markov model, ten starts", figure(1), &once),
            entry(Method::Markov(1), "hidden Markov model, one start", None, &once),
            entry(Method::Discrete, "discrete jump model", figure(2), &penalties()),
        ];
        for (i, (method, name)) in CONTINUOUS.into_iter().enumerate() {
            entries.push(entry(method, name, figure(3 + i), &penalties()));
        }
        Cell {
            key: format!("three_{length}"),
            title: format!("Three states, daily, T = {length}"),
            paths: 1000,
            entries,
            online: online(),
            by_penalty: Vec::new(),
            chain: Chain::three_state_daily(),
            design: Design::Series { centred: false },
            length,
        }
    };
    published.into_iter().map(cell).collect()
}

fn two_states() -> Vec<Cell> {
    let once = vec![(0.0, 0.0)];
    // No deviation is published; the one found takes its place in the test.
    let figure = |m| Some(Published(m, f64::NAN, 1024.0));
    let jump = |figures: [f64; 3]| {
        let methods = [(Method::Discrete, "discrete jump model")].into_iter().chain(CONTINUOUS);
        methods.zip(figures).map(|((method, name), m)| Entry {
            method,
            name,
            published: figure(m),
            choices: penalties(),
        })
    };
    let plain =
        |method, name, m| Entry { method, name, published: figure(m), choices: once.clone() };
    let mut entries = vec![
        plain(Method::Oracle, "true parameters, Viterbi", 0.9768),
        plain(Method::Markov(10), "hidden Markov model, ten starts", 0.9778),
        plain(Method::Markov(1), "hidden Markov model, one start", 0.9377),
    ];
    entries.extend(jump([0.9441, 0.9404, 0.9395]));
    let centred: Vec<Entry> = jump([0.9504, 0.9513, 0.9556]).collect();
    let cell = |centred: bool, entries| Cell {
        key: format!("two_1000{}", if centred { "_centred" } else { "" }),
        title: format!(
            "Two states, daily, T = 1000, {} features",
            if centred { "centred" } else { "backward-looking" }
        ),
        paths: 400,
        entries,
        online: if centred { Vec::new() } else { online() },
        by_penalty: Vec::new(),
        chain: Chain::two_state_daily(),
        design: Design::Series { centred },
        length: 1000,
    };
    let mut backward = cell(false, entries);
    // The published penalties are those of the grid, rounded.
    backward.by_penalty = penalties()
        .iter()
        .skip(2)
        .map(|c| c.0)
        .zip(
            [0.861, 0.887, 0.903, 0.919, 0.916, 0.890, 0.784]
                .map(|m| Published(m, f64::NAN, 1024.0)),
        )
        .collect();
    vec![backward, cell(true, centred)]
}

/// Published means by μ; hidden Markov, discrete and sparse model at 15, 30, 60, 150, 300 columns.
const COLUMNS: [(f64, [[f64; 5]; 3]); 3] = [
    (
        0.5,
        [
            [0.70, 0.65, 0.61, 0.55, 0.53],
            [0.85, 0.84, 0.77, 0.67, 0.60],
            [0.86, 0.89, 0.89, 0.87, 0.88],
        ],
    ),
    (
        0.75,
        [
            [0.81, 0.75, 0.69, 0.59, 0.55],
            [0.90, 0.90, 0.87, 0.77, 0.68],
            [0.91, 0.95, 0.95, 0.95, 0.94],
        ],
    ),
    (
        1.0,
        [
            [0.86, 0.80, 0.74, 0.63, 0.59],
            [0.92, 0.93, 0.91, 0.86, 0.75],
            [0.95, 0.96, 0.97, 0.97, 0.96],
        ],
    ),
];

/// Three states that differ in the first fifteen of some columns (Nystrup, Kolm and Lindström
/// 2021, Table 1).
fn columns() -> Vec<Cell> {
    let penalties: Vec<Choice> =
        [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0].into_iter().map(|p| (p, 0.0)).collect();
    let pairs = |features: &[f64], penalties: &[f64]| -> Vec<Choice> {
        features.iter().flat_map(|f| penalties.iter().map(|p| (*p, *f))).collect()
    };
    let all = pairs(&[6.0, 12.0, 25.0], &[1.0, 4.0, 12.0, 30.0, 80.0]);
    // The wide ones take longest; with fewer columns the others were never the best.
    let few = pairs(&[12.0, 25.0], &[4.0, 12.0, 30.0]);
    let mut out = Vec::new();
    for (mu, figures) in COLUMNS {
        for (i, cols) in [15, 30, 60, 150, 300].into_iter().enumerate() {
            let entry = |method, name, row: usize, choices: &[Choice]| Entry {
                method,
                name,
                published: Some(Published(figures[row][i], f64::NAN, 100.0)),
                choices: choices.to_vec(),
            };
            out.push(Cell {
                key: format!("columns_{mu}_{cols}"),
                title: format!("Sparse design, μ = {mu}, T = 500, {cols} features"),
                paths: 200,
                entries: vec![
                    entry(Method::Markov(10), "hidden Markov model, ten starts", 0, &[(0.0, 0.0)]),
                    entry(Method::Discrete, "discrete jump model", 1, &penalties),
                    entry(
                        Method::Sparse,
                        "sparse jump model",
                        2,
                        if cols < 150 { &all } else { &few },
                    ),
                ],
                online: Vec::new(),
                by_penalty: Vec::new(),
                chain: Chain {
                    transitions: vec![
                        vec![0.9903, 0.0047, 0.0050],
                        vec![0.0157, 0.9666, 0.0177],
                        vec![0.0284, 0.0300, 0.9416],
                    ],
                    means: vec![mu, 0.0, -mu],
                    deviations: vec![1.0; 3],
                },
                design: Design::Columns(cols),
                length: 500,
            });
        }
    }
    out
}
