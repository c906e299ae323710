using System.Text;
using System.Text.Json.Nodes;
using Lepton.Cost.Prices;

namespace Lepton.Cost.Tests.Prices;

/// <summary>Price books for tests.</summary>
internal static class Books
{
    /// <summary>The examples that ship.</summary>
    public static string[] Examples { get; } =
        [.. Directory.GetFiles(Folder, "example-*.json").Order(StringComparer.Ordinal)];

    public static string SchemaFile => Path.Combine(Folder, "price-book.schema.json");

    private static string Folder => Path.Combine(AppContext.BaseDirectory, "prices");

    public static PriceBook Example() => PriceReader.Load(Path.Combine(Folder, "example-cloud-one.json"));

    /// <summary>The first example as a tree, to be changed.</summary>
    public static JsonObject ExampleTree() =>
        JsonNode.Parse(File.ReadAllText(Path.Combine(Folder, "example-cloud-one.json")))!.AsObject();

    public static PriceBook Parse(JsonNode tree) => PriceReader.Parse(Encoding.UTF8.GetBytes(tree.ToJsonString()));

    public static DateTimeOffset Day(int month, int day) => new(2026, month, day, 0, 0, 0, TimeSpan.Zero);
}
