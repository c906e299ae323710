using Lepton.Postgres;

return PostgresCommand.Run(args);
