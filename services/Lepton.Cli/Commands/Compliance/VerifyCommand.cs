using System.CommandLine;
using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using Lepton.Compliance.Client.Audit.Proofs;
using Lepton.Compliance.V1;

namespace Lepton.Cli.Commands.Compliance;

/// <summary><c>lepton audit verify</c>: needs an export and the certificate authority, nothing else.</summary>
internal static class VerifyCommand
{
    public static Command Create(Session session)
    {
        Argument<string[]> files = new("FILE")
        {
            Description = "Exports in the native form (./lepton audit export --format jsonl).",
            Arity = ArgumentArity.OneOrMore,
        };
        Option<string?> authority = new("--ca")
        {
            Description = "Certificate of the installation's authority (default: this installation's).",
            HelpName = "FILE",
        };
        Option<string?> since = new("--since-head")
        {
            Description = "A head, or an export, that was kept earlier: the log must still begin with it.",
            HelpName = "FILE",
        };
        Option<int> witnesses = new("--witnesses")
        {
            Description = "How many other services must have countersigned the head.",
            DefaultValueFactory = _ => 1,
            HelpName = "COUNT",
        };
        Option<bool> json = new("--json") { Description = "The findings as JSON." };
        Command command = new("verify", "Verify exports, offline: nothing changed, removed, reordered or cut off.")
        {
            files, authority, since, witnesses, json,
        };
        command.SetAction(async (parse, cancellation) =>
        {
            string ca = parse.GetValue(authority) ?? Path.Combine(session.Installation.Home, "pki", "ca.crt");
            if (parse.GetValue(witnesses) is < 0 or > 1000)
            {
                throw new CommandFailure(ExitCode.Usage, "--witnesses takes 0 to 1000.");
            }

            using X509Certificate2 trusted = Read(ca, () => X509CertificateLoader.LoadCertificateFromFile(ca));
            TreeHead? earlier = parse.GetValue(since) is { } kept
                ? Read(kept, () => HeadFile.Read(File.ReadLines(kept)))
                : null;
            bool isGood = true;
            foreach (string file in parse.GetRequiredValue(files))
            {
                using FileStream export = Read(file, () => File.OpenRead(file));
                ExportReport report = await new ExportVerifier(trusted, earlier, parse.GetValue(witnesses))
                    .VerifyAsync(export, cancellation);
                isGood &= report.IsGood;
                if (parse.GetValue(json))
                {
                    session.Terminal.Json(Json(file, report));
                }
                else
                {
                    Show(session, file, report);
                }
            }

            return (int)(isGood ? ExitCode.Ok : ExitCode.Failed);
        });
        return command;
    }

    private static T Read<T>(string file, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException
            or InvalidDataException)
        {
            throw new CommandFailure(ExitCode.Usage, $"{file} cannot be read: {e.Message}");
        }
    }

    private static void Show(Session session, string file, ExportReport report)
    {
        foreach (string fault in report.Faults)
        {
            session.Terminal.Line($"{file}: {fault}");
        }

        string what = report is { Header: { } header, Head: { } head }
            ? string.Create(CultureInfo.InvariantCulture,
                $"{report.Entries} entries of {header.Log} in its tree of {head.Size}, signed "
                + $"{head.HeadTime.ToDateTimeOffset():u}, witnessed by "
                + $"{(report.Witnesses.Count > 0 ? string.Join(", ", report.Witnesses) : "nobody")}")
            : "no export";
        session.Terminal.Line($"{file}: {(report.IsGood ? "verified" : "NOT VERIFIED")}: {what}");
    }

    private static JsonObject Json(string file, ExportReport report) => new()
    {
        ["file"] = file,
        ["verified"] = report.IsGood,
        ["log"] = report.Header?.Log,
        ["mode"] = report.Header?.Mode.ToString().ToUpperInvariant(),
        ["size"] = report.Header?.Size,
        ["entries"] = report.Entries,
        ["hidden_entries"] = report.Leaves,
        ["head_time"] = report.Head?.HeadTime?.ToDateTimeOffset().ToString("O", CultureInfo.InvariantCulture),
        ["witnesses"] = new JsonArray([.. report.Witnesses.Select(w => (JsonNode)w)]),
        ["faults"] = new JsonArray([.. report.Faults.Select(f => (JsonNode)f)]),
    };
}
