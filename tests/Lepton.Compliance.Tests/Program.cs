using Lepton.Compliance.Tests.Audit;

// As the process that a test kills; the test runner itself does not come by here.
return args is ["spool-writer", var directory] ? await SpoolWriter.RunAsync(directory) : 1;
