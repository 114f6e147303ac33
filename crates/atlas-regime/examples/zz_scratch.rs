#![allow(warnings)]
mod support;
use atlas_regime::continuous::*; use atlas_regime::*;
fn main(){
  for len in [0usize,1]{
  let cell=&support::cells::cells()[len];
  let s=cell.sample(0);
  let rows=Rows::new(&s.features,15).unwrap();
  for (p,_) in support::cells::penalties(){
    for mode_loss in [false,true]{
    let params=ContinuousParams{jump:JumpParams::new(3,p),grid_size:0.05,mode_loss}.check().unwrap();
    let c=std::time::Instant::now();
    let pen=params.grid().penalties(p,mode_loss).unwrap();
    let setup=c.elapsed();
    let c=std::time::Instant::now();
    let fit=params.fit_with(rows,&FitOptions::default()).unwrap();
    let steps:usize=fit.restarts.iter().map(|r|r.iterations+1).sum();
    let e=c.elapsed().as_secs_f64();
    println!("{} {p:.2} {mode_loss} {:.3}s setup {:?} {steps} esteps {:.2} us/row/estep", rows.len(), e, setup, 1e6*e/steps as f64/rows.len() as f64);
  }}}
}
