return Lepton.Benchmarks.Bench.Run(args);
