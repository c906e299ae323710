using CommandLine = Lepton.Cli.CommandLine;

return await CommandLine.RunAsync(args);
