using System.Net;
using System.Text.RegularExpressions;

namespace Lepton.Identity.Tests.World;

/// <summary>A person at a browser, and a device that waits for them.</summary>
internal sealed partial class Person(TestAuthority authority)
{
    public const string DeviceGrant = "urn:ietf:params:oauth:grant-type:device_code";

    /// <summary>The device begins.</summary>
    public Task<Answer> BeginAsync() => authority.PostAsync("/device_authorization", ("client_id", "lepton-cli"));

    /// <summary>The device asks.</summary>
    public Task<Answer> PollAsync(string deviceCode) => authority.PostAsync("/token",
        ("grant_type", DeviceGrant), ("client_id", "lepton-cli"), ("device_code", deviceCode));

    public Task<Answer> RefreshAsync(string token) => authority.PostAsync("/token",
        ("grant_type", "refresh_token"), ("client_id", "lepton-cli"), ("refresh_token", token));

    /// <summary>Opens the page; its cookie and its hidden value.</summary>
    public async Task<(string Cookie, string Token, Answer Page)> OpenAsync()
    {
        var page = (await authority.GetAsync("/device")).IsOk();
        var cookie = page.Headers.GetValues("Set-Cookie").Single().Split(';')[0];
        return (cookie, Hidden().Match(page.Text).Groups[1].Value, page);
    }

    /// <summary>Fills the form in and sends it.</summary>
    public async Task<Answer> SubmitAsync(string userCode, string name, string password, string action = "approve")
    {
        var (cookie, token, _) = await OpenAsync();
        return await SubmitAsync(cookie, null, ("token", token), ("user_code", userCode), ("username", name),
            ("password", password), ("action", action));
    }

    public async Task<Answer> SubmitAsync(string? cookie, string? origin, params (string, string)[] form)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri("/device", UriKind.Relative))
        {
            Version = HttpVersion.Version20,
            Content = new FormUrlEncodedContent(form.Select(f => KeyValuePair.Create(f.Item1, f.Item2))),
        };
        if (cookie is not null)
            request.Headers.Add("Cookie", cookie);
        if (origin is not null)
            request.Headers.Add("Origin", origin);
        return await Answer.OfAsync(await authority.Http.SendAsync(request));
    }

    /// <summary>All of it; the tokens.</summary>
    public async Task<Answer> LogInAsync(string name = "ada")
    {
        var begun = (await BeginAsync()).IsOk();
        (await SubmitAsync(begun["user_code"], name, TestSite.Password)).IsOk();
        return (await PollAsync(begun["device_code"])).IsOk();
    }

    [GeneratedRegex("name=\"token\" value=\"([^\"]+)\"")]
    private static partial Regex Hidden();
}
