using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Lepton.Cli.Output;

/// <summary>
/// Where a command writes: answers to standard output, progress and failures to standard error, so that
/// <c>--json</c> can be piped.
/// </summary>
internal sealed class Terminal
{
    /// <summary>Without a terminal nothing is wrapped: a line stays a line for grep.</summary>
    private const int PlainWidth = 240;

    private static readonly JsonSerializerOptions indented = new()
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, // it goes to a terminal or a program, not into a page
    };

    private static readonly JsonSerializerOptions compact = new(indented) { WriteIndented = false };

    private readonly TextWriter output;
    private readonly TextWriter error;

    public Terminal(TextWriter output, TextWriter error, bool live)
    {
        this.output = output;
        this.error = error;
        IsLive = live;
        Console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(output),
            Ansi = live ? AnsiSupport.Detect : AnsiSupport.No,
            ColorSystem = live ? ColorSystemSupport.Detect : ColorSystemSupport.NoColors,
            Interactive = live ? InteractionSupport.Detect : InteractionSupport.No,
        });
        if (!live)
        {
            Console.Profile.Width = PlainWidth;
        }
    }

    public static Terminal System() =>
        new(global::System.Console.Out, global::System.Console.Error, !global::System.Console.IsOutputRedirected);

    /// <summary>A person watches: lines may be redrawn and coloured.</summary>
    public bool IsLive { get; }

    public IAnsiConsole Console { get; }

    public TextWriter Output => output;

    public TextWriter Error => error;

    public void Line(string text = "") => output.WriteLine(text);

    /// <summary>Text as it is, without a line end.</summary>
    public void Raw(string text) => output.Write(text);

    public void Show(IRenderable what)
    {
        Console.Write(what);
    }

    public void Progress(string text) => error.WriteLine(text);

    public void Json(JsonNode node) => output.WriteLine(node.ToJsonString(indented));

    /// <summary>One object on one line, for a stream of them.</summary>
    public void JsonLine(JsonNode node) => output.WriteLine(node.ToJsonString(compact));

    public void Fail(CommandFailure failure)
    {
        error.WriteLine(failure.Message);
        foreach (string hint in failure.Hints)
        {
            error.WriteLine("  " + hint);
        }
    }
}
