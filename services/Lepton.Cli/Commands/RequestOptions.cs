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
        "--strategy", "How the node is picked.", "guarded", "weighted", "time-modulo", "round-robin");

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
        AddHeader(headers, "x-lepton-data-class", parse.GetValue(DataClass));
        AddHeader(headers, "x-lepton-priority", parse.GetValue(Priority));
        AddHeader(headers, "x-lepton-strategy", parse.GetValue(Strategy));
        AddHeader(headers, "x-lepton-tags", parse.GetValue(Tags));
        return headers;
    }

    private static void AddHeader(Metadata headers, string name, string? value)
    {
        if (value is not null)
        {
            headers.Add(name, value);
        }
    }

    private static Option<string?> Choice(string name, string description, params string[] values)
    {
        Option<string?> option = new(name) { Description = description, HelpName = string.Join('|', values) };
        option.AcceptOnlyFromAmong(values);
        return option;
    }
}
