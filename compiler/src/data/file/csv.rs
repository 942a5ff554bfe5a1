//! CSV and TSV with a header.

use serde_json::{Map, Value as Json};

use super::{DataError, File, not_text};

/// Reads records under a header; every cell is text.
pub(super) fn read(file: &mut File, text: &[u8], delimiter: u8) -> Result<(), DataError> {
    file.typed = false;
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).from_reader(text);
    let header = reader.byte_headers().map_err(|error| file.malformed(1, error.to_string()))?.clone();
    let columns = columns(file, &header, delimiter)?;
    for record in reader.byte_records() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                let line = error.position().map_or(1, csv::Position::line);
                file.refuse(usize::try_from(line).unwrap_or(usize::MAX), explain(&error));
                continue;
            }
        };
        let line = record.position().map_or(1, csv::Position::line);
        let line = usize::try_from(line).unwrap_or(usize::MAX);
        if let Some(problem) = record.iter().find_map(not_text) {
            file.refuse(line, problem);
            continue;
        }
        let cells = record.iter().map(|cell| Json::from(String::from_utf8_lossy(cell)));
        file.push(line, columns.iter().cloned().zip(cells).collect::<Map<_, _>>());
    }
    Ok(())
}

/// The names of the columns.
fn columns(file: &File, header: &csv::ByteRecord, delimiter: u8) -> Result<Vec<String>, DataError> {
    if let Some(problem) = header.iter().find_map(not_text) {
        return Err(file.malformed(1, format!("header: {problem}")));
    }
    let columns: Vec<_> = header.iter().map(|cell| String::from_utf8_lossy(cell).trim().to_owned()).collect();
    for (i, column) in columns.iter().enumerate() {
        if columns[..i].contains(column) {
            return Err(file.malformed(1, format!("the header has two columns {column:?}")));
        }
    }
    if let [only] = columns.as_slice()
        && let Some(other) = [';', '\t', ','].into_iter().find(|other| only.contains(*other))
        && u32::from(other) != u32::from(delimiter)
    {
        let message =
            format!("the header is one column {only:?}; its cells seem to be separated by {other:?}.");
        return Err(file.malformed(1, format!("{message} Use commas with .csv and tabs with .tsv")));
    }
    Ok(columns)
}

fn explain(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("the row has {len} cells, but the header has {expected_len}; a quote may be missing")
        }
        _ => error.to_string(),
    }
}
