using System.Globalization;
using System.Net;
using System.Net.Http;
using System.Net.Http.Headers;
using Grpc.Core;
using Lepton.Cli.Login;

namespace Lepton.Cli.Gateway;

/// <summary>
/// Sends each attempt of a call as who is logged in (RFC 6750). A token that is refused is renewed once; gRPC's retry
/// policy then sends the call again, and where nothing more can be tried this stops it (gRFC A6, pushback below 0).
/// </summary>
internal sealed class BearerHandler(LoginTokens tokens) : DelegatingHandler
{
    private const string pushback = "grpc-retry-pushback-ms";

    private static readonly string unauthenticated =
        ((int)StatusCode.Unauthenticated).ToString(CultureInfo.InvariantCulture);

    protected override async Task<HttpResponseMessage> SendAsync(
        HttpRequestMessage request, CancellationToken cancellationToken)
    {
        string token = await tokens.GetAsync(cancellationToken);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        HttpResponseMessage response = await base.SendAsync(request, cancellationToken);
        if (!IsRefused(response))
        {
            return response;
        }

        try
        {
            if (!await tokens.RenewRefusedAsync(token, cancellationToken))
            {
                response.Headers.Remove(pushback);
                response.Headers.Add(pushback, "-1");
            }

            return response;
        }
        catch
        {
            response.Dispose();
            throw;
        }
    }

    /// <summary>A call that is refused before any answer has its status among the headers.</summary>
    private static bool IsRefused(HttpResponseMessage response) =>
        response.StatusCode == HttpStatusCode.Unauthorized
        || (response.Headers.TryGetValues("grpc-status", out IEnumerable<string>? status)
            && status.First() == unauthenticated);
}
