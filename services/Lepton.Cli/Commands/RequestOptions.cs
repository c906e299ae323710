using System.CommandLine;
using Grpc.Core;

namespace Lepton.Cli.Commands;

/// <summary>The request metadata that a caller may set, as options.</summary>
internal sealed class RequestOptions
{
    public Option<string?> DataClass { get; } = new("--data-class")
    {
        Description = "The data's residency class, such as eu-personal. It can only tighten.",
        HelpName = "CLASS",
    };

    public Option<string?> Priority { get; } = Choice("--priority", "Before whom it goes.", "realtime", "batch");

    public Option<string?> Strategy { get; } = Choice(
        "--strategy", "How the node is picked; without it, as the router is set for the model.",
        "guarded", "weighted", "time-modulo", "round-robin", "shortest-latency", "random", "least-outstanding", "p2c",
        "peak-ewma");

    public Option<string?> Tags { get; } = new("--tags")
    {
        Description = "Cost tags, such as project=apollo,step=2.",
        HelpName = "KEY=VALUE,...",
    };

    public void AddTo(Command command, bool tags)
    {
        command.Options.Add(DataClass);
        command.Options.Add(Priority);
        command.Options.Add(Strategy);
        if (tags)
        {
            command.Options.Add(Tags);
        }
    }

    public Metadata Headers(ParseResult parse)
    {
        Metadata headers = [];
        AddHeader(headers, parse, "x-lepton-data-class", DataClass);
        AddHeader(headers, parse, "x-lepton-priority", Priority);
        AddHeader(headers, parse, "x-lepton-strategy", Strategy);
        AddHeader(headers, parse, "x-lepton-tags", Tags);
        return headers;
    }

    private static void AddHeader(Metadata headers, ParseResult parse, string name, Option<string?> option)
    {
        if (parse.GetValue(option) is not { } value)
        {
            return;
        }

        // gRPC carries nothing else, and an empty one is more likely a script's unset variable than a wish.
        if (value.Length == 0 || value.AsSpan().ContainsAnyExceptInRange(' ', '~'))
        {
            throw new CommandFailure(ExitCode.Usage, $"{option.Name}: printable ASCII characters are needed.");
        }

        headers.Add(name, value);
    }

    private static Option<string?> Choice(string name, string description, params string[] values)
    {
        Option<string?> option = new(name) { Description = description, HelpName = string.Join('|', values) };
        option.AcceptOnlyFromAmong(values);
        return option;
    }
}
