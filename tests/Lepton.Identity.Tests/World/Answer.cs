using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;

namespace Lepton.Identity.Tests.World;

/// <summary>An answer of the authority.</summary>
internal sealed record Answer(HttpStatusCode Status, HttpResponseHeaders Headers, string Text)
{
    public JsonElement Json
    {
        get
        {
            try
            {
                return JsonDocument.Parse(Text).RootElement;
            }
            catch (JsonException e)
            {
                throw new InvalidOperationException($"{Status} is not JSON: {Text}", e);
            }
        }
    }

    public string this[string member] => Json.TryGetProperty(member, out var value)
        ? value.ToString()
        : throw new InvalidOperationException($"{Status} has no {member}: {Text}");

    public static async Task<Answer> OfAsync(HttpResponseMessage response)
    {
        using (response)
            return new Answer(response.StatusCode, response.Headers, await response.Content.ReadAsStringAsync());
    }

    public void IsRefused(HttpStatusCode status, string error)
    {
        Assert.True(Status == status && Json.TryGetProperty("error", out var code) && code.GetString() == error,
            $"expected {(int)status} {error}, got {(int)Status} {Text}");
        Assert.True(Headers.CacheControl?.NoStore);
    }

    public Answer IsOk()
    {
        Assert.True(Status == HttpStatusCode.OK, $"{(int)Status} {Text}");
        return this;
    }
}
