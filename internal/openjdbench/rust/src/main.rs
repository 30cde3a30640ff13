//! Measures the Rust crates: openjd-bench WORKLOAD COUNT FILE prints the seconds of processor time that COUNT repetitions took.

use openjd_expr::format_string::{FormatString, FormatStringOptions};
use openjd_expr::symbol_table::SymbolTable;
use openjd_model::template::parse::document_string_to_object;
use openjd_model::{
    create_job, decode_job_template, CallerLimits, DocumentType, SpecificationRevision, StepParameterSpaceIterator,
    ValidationContext,
};

fn processor_seconds() -> f64 {
    let mut t = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut t) };
    t.tv_sec as f64 + t.tv_nsec as f64 / 1e9
}

fn check(count: usize, text: &str) {
    for _ in 0..count {
        let limits = CallerLimits::default();
        let document = document_string_to_object(text, DocumentType::Yaml, &limits).unwrap();
        decode_job_template(document, None, &limits).unwrap();
    }
}

fn enumerate(count: usize, text: &str) {
    let limits = CallerLimits::default();
    let document = document_string_to_object(text, DocumentType::Yaml, &limits).unwrap();
    let template = decode_job_template(document, None, &limits).unwrap();
    let context = ValidationContext::new(SpecificationRevision::V2023_09);
    let job = create_job(&template, &Default::default(), &context).unwrap();
    let space = StepParameterSpaceIterator::new(job.steps[0].parameter_space.as_ref().unwrap()).unwrap();
    let seen = space.take(count).count();
    assert_eq!(seen, count);
}

fn strings(count: usize, text: &str) {
    let string = FormatString::new(text).unwrap();
    let mut table = SymbolTable::new();
    table.set("Param.Scene", "shot.blend").unwrap();
    table.set("Param.Camera", "left").unwrap();
    let options = FormatStringOptions::default();
    for i in 0..count {
        table.set("Task.Param.Frame", i as i64).unwrap();
        std::hint::black_box(string.resolve_string_with(&table, &options).unwrap());
    }
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let count: usize = args[2].parse().unwrap();
    let text = std::fs::read_to_string(&args[3]).unwrap();
    let start = processor_seconds();
    match args[1].as_str() {
        "check" => check(count, &text),
        "enumerate" => enumerate(count, &text),
        _ => strings(count, &text),
    }
    println!("{}", processor_seconds() - start);
}
