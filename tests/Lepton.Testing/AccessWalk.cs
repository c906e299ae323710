using System.Net;
using System.Net.Http.Headers;

namespace Lepton.Testing;

/// <summary>
/// C2: calls every RPC of a service over its socket as every role, held in its region and in another, as services and
/// as somebody without a role. What is expected is written down by the test a second time, independent of the code: by
/// path, <c>ROLE ROLE | SERVICE SERVICE</c> (<c>*</c>: each service), or <c>anyone</c>.
/// </summary>
/// <param name="pki">The installation.</param>
/// <param name="url">The service, in eu-west.</param>
/// <param name="expected">Who may make which call.</param>
/// <param name="services">Services that try.</param>
public sealed class AccessWalk(
    TestInstallation pki, string url, IReadOnlyDictionary<string, string> expected, params string[] services)
{
    /// <summary>Every role there is; a test of the service defaults holds it to that.</summary>
    public static readonly string[] RoleNames =
        ["viewer", "operator", "auditor", "billing", "admin", "service", "steward", "audit-officer",
        "compliance-officer"];

    private const string Anyone = "anyone";

    /// <summary>The access file of the walk: <c>ROLE-here</c> and <c>ROLE-there</c> are tenants.</summary>
    /// <param name="more">Further assignments, as JSON.</param>
    public static string Document(params string[] more) => $$"""
        { "version": 2, "tenants": {}, "assignments": [
          {{string.Join(",\n", RoleNames.SelectMany(role => (string[])
          [
              $$"""{ "tenant": "{{role}}-here", "role": "{{role}}", "regions": ["eu-west"] }""",
              $$"""{ "tenant": "{{role}}-there", "role": "{{role}}", "regions": ["us-east"] }""",
          ]).Concat(more))}}
        ] }
        """;

    /// <summary>What differs from what is expected; a path that is offered and not expected, or the other way round,
    /// differs too.</summary>
    public async Task<string> DifferencesAsync(IReadOnlyCollection<string> offered)
    {
        List<string> wrong =
        [
            .. offered.Except(expected.Keys).Select(path => $"{path} is offered, and nothing says who may call it"),
            .. expected.Keys.Except(offered).Select(path => $"{path} is expected, and not offered"),
        ];
        foreach ((string name, (string, string) shown, Func<string, bool> may) in Callers())
        {
            using HttpMessageInvoker client = new(pki.Handler(shown));
            foreach (string path in offered.Where(expected.ContainsKey))
                if (await IsLetInAsync(client, path) is var let && let != may(expected[path]))
                    wrong.Add($"{name} {(let ? "may" : "may not")} call {path}");
        }
        return string.Join('\n', wrong);
    }

    private IEnumerable<(string Name, (string, string) Shown, Func<string, bool> May)> Callers()
    {
        foreach (string role in RoleNames)
        {
            yield return ($"{role} of eu-west", pki.Tenant($"{role}-here"),
                who => who == Anyone || who.Split('|')[0].Split(' ').Contains(role));
            yield return ($"{role} of us-east", pki.Tenant($"{role}-there"), who => who == Anyone);
        }
        yield return ("a tenant without a role", pki.Tenant("nobody"), who => who == Anyone);
        foreach (string service in services)
            yield return ($"service {service}", pki.Service("eu-west", service), who => who == Anyone
                || who.Split('|')[1].Split(' ') is var some && (some.Contains("*") || some.Contains(service)));
    }

    /// <summary>Sends one empty message and looks at how the answer begins.</summary>
    private async Task<bool> IsLetInAsync(HttpMessageInvoker client, string path)
    {
        using CancellationTokenSource patience = new(TimeSpan.FromSeconds(60));
        using HttpRequestMessage request = new(HttpMethod.Post, $"{url}/{path}")
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent(new byte[5]) { Headers = { ContentType = new("application/grpc") } },
        };
        request.Headers.TE.Add(new TransferCodingWithQualityHeaderValue("trailers"));
        using HttpResponseMessage answer = await client.SendAsync(request, patience.Token);
        if (answer.StatusCode != HttpStatusCode.OK)
            throw new InvalidOperationException($"{path} was answered {answer.StatusCode}");
        return !answer.Headers.TryGetValues("grpc-message", out IEnumerable<string>? message)
            || !message.Single().Contains(" here. ", StringComparison.Ordinal);
    }
}
