//! Small programs that use the library, and one folder per example task.
