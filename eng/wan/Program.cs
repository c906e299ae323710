using Lepton.Wan;

return await WanCommand.RunAsync(args);
