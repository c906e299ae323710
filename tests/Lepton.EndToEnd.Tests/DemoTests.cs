using System.Text.Json;

namespace Lepton.EndToEnd.Tests;

/// <summary>I6: a finance, a medical and a logistics user's documents, each where its tenant's class allows.</summary>
[Collection(PlatformCollection.Name)]
public sealed class DemoTests(Platform platform)
{
    [Theory]
    [InlineData("finance", "atlantic-finance", "us-east,eu-west", "INVOICE 2026-0417", "IE29 AIBK")]
    [InlineData("medical", "us-health", "us-east", "Amoxicillin 500 mg", "Jane Sample")]
    [InlineData("logistics", "apac-personal", "ap-southeast", "PARCEL 7731-B", "Mei Tan")]
    public async Task Demo_EachUser_IsReadWhereAllowedAndRefusedUnreadElsewhere(
        string demo, string dataClass, string regions, params string[] texts)
    {
        JsonElement story = (await platform.AskAsync("demo", demo, "--json")).Require().Json();

        Assert.Equal(dataClass, story.GetProperty("data_class").GetString());
        JsonElement served = story.GetProperty("served");
        string text = served.GetProperty("text").GetString()!;
        Assert.All(texts, t => Assert.Contains(t, text, StringComparison.Ordinal));
        Assert.Contains(served.GetProperty("region").GetString(), regions.Split(','));
        JsonElement decision = served.GetProperty("decision");
        Assert.Equal(["tenant"],
            decision.GetProperty("data_class_sources").EnumerateArray().Select(s => s.GetString()));
        Assert.All(decision.GetProperty("attempts")[0].GetProperty("candidates").EnumerateArray()
                .Where(c => !regions.Split(',').Contains(c.GetProperty("region").GetString())),
            c => Assert.Equal("region not allowed", c.GetProperty("excluded").GetString()));
        JsonElement refused = story.GetProperty("refused");
        Assert.DoesNotContain(refused.GetProperty("region").GetString(), regions.Split(','));
        Assert.Equal("GATEWAY_NOT_ALLOWED", refused.GetProperty("error").GetProperty("reason").GetString());
        Assert.Equal(0, refused.GetProperty("decision").GetProperty("request_bytes_read").GetInt64());
    }

    [Fact]
    public async Task Demo_Text_TellsTheStory()
    {
        CliResult told = (await platform.AskAsync("demo", "finance")).Require();

        Assert.Contains("which may be processed in eu-west and us-east.", told.Output, StringComparison.Ordinal);
        Assert.Contains("    TOTAL EUR", told.Output, StringComparison.Ordinal);
        Assert.Contains("Why there:", told.Output, StringComparison.Ordinal);
        Assert.Contains("region not allowed", told.Output, StringComparison.Ordinal);
        Assert.Contains("0 bytes of the document were read", told.Output, StringComparison.Ordinal);
    }
}
