using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Grpc.Core;
using Lepton.Inference.Agent;
using Lepton.Inference.Pipelines.Language;
using Microsoft.Extensions.DependencyInjection;

namespace Lepton.Inference.Tests;

/// <summary>
/// Vectors/lande.json was written by the package itself, run by node: text, its normal form, language, probability.
/// </summary>
[Collection("node")]
public sealed class LanguageTests(NodeFixture fixture)
{
    private static readonly Vector[] Vectors = JsonSerializer.Deserialize<Vector[]>(
        File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Vectors", "lande.json"))) ?? [];

    [Fact]
    public void Normalize_PublishedTexts_IsWhatThePackageMakes()
    {
        Assert.True(Vectors.Length > 40);
        Assert.All(Vectors, vector => Assert.Equal(vector.Normalized, TextNormalizer.Normalize(vector.Text)));
    }

    [Fact]
    public async Task LanguageId_PublishedTexts_MatchThePackage()
    {
        var request = Messages.Request("language-id", ("text", "BYTES", [Vectors.Length],
            Messages.Packed([.. Vectors.Select(vector => Encoding.UTF8.GetBytes(vector.Text))])));

        var answer = await fixture.Node.InferAsync(request);

        Assert.Equal(Vectors.Select(vector => vector.Language), answer.Strings("language"));
        Assert.All(Vectors.Zip(answer.Floats("confidence")), pair =>
            Assert.Equal(pair.First.Probability, pair.Second, 1e-4));
    }

    [Fact]
    public async Task LanguageId_NotUtf8_IsRefused()
    {
        var request = Messages.Request("language-id", ("text", "BYTES", [1], Messages.Packed([[0xff, 0xfe]])));

        await Messages.RefusedAsync(fixture.Node.InferAsync(request), StatusCode.InvalidArgument, "INPUT_INVALID");
    }

    [Fact]
    public async Task LanguageId_TooManyTexts_IsRefused()
    {
        var request = Messages.Request("language-id", ("text", "BYTES", [1025],
            Messages.Packed([.. Enumerable.Repeat(Array.Empty<byte>(), 1025)])));

        await Messages.RefusedAsync(fixture.Node.InferAsync(request), StatusCode.InvalidArgument, "INPUT_INVALID");
    }

    [Fact]
    public async Task LanguageId_ItsModelIsUnloaded_IsNotReadyUntilItIsBack()
    {
        var node = fixture.Node;
        var reports = node.Services.GetRequiredService<ReportBuilder>();
        var request = Messages.Request("language-id", ("text", "BYTES", [1], Messages.Packed(
            ["Der schnelle braune Fuchs springt heute noch einmal durch den Wald"u8.ToArray()])));

        await node.Client.RepositoryModelUnloadAsync(new() { ModelName = "lande" }, node.Headers("lande"));
        try
        {
            Assert.False(reports.Build().Models.Single(m => m.Name == "language-id").Ready);
            Assert.False((await node.Client.ModelReadyAsync(new() { Name = "language-id" })).Ready);
            await Messages.RefusedAsync(node.InferAsync(request), StatusCode.Unavailable, "MODEL_NOT_READY");
        }
        finally
        {
            await node.Client.RepositoryModelLoadAsync(new() { ModelName = "lande" }, node.Headers("lande"));
        }

        Assert.True(reports.Build().Models.Single(m => m.Name == "language-id").Ready);
        Assert.Equal(["deu"], (await node.InferAsync(request)).Strings("language"));
    }

    private sealed record Vector(
        [property: JsonPropertyName("text")] string Text,
        [property: JsonPropertyName("normalized")] string Normalized,
        [property: JsonPropertyName("language")] string Language,
        [property: JsonPropertyName("probability")] float Probability);
}
