using Lepton.Setup;

return await SetupCommand.RunAsync(args);
