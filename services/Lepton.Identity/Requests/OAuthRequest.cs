using System.Buffers.Text;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Lepton.ServiceDefaults;
using Microsoft.AspNetCore.Http.Features;

namespace Lepton.Identity.Requests;

/// <summary>A form that was posted, and who posted it.</summary>
/// <param name="Form">Its parameters, each once; empty ones count as absent (RFC 6749, 3.2).</param>
/// <param name="Address">Whose it is for limits: an IPv4 address, or the first 64 bits of an IPv6 one.</param>
/// <param name="Certificate">The client certificate, of the installation's authority; null: none was shown.</param>
/// <param name="Caller">Whom that certificate names; null: nobody.</param>
/// <param name="HeaderScheme">The scheme of the authorization header, if there is one.</param>
internal sealed record OAuthRequest(
    IReadOnlyDictionary<string, string> Form, string Address, X509Certificate2? Certificate, Caller? Caller,
    string? HeaderScheme)
{
    private const int FormBytesMax = 32 << 10;
    private const int ParametersMax = 32;

    /// <summary>SHA-256 of the certificate, base64url (RFC 8705, 3.1).</summary>
    public string? Thumbprint => Certificate is null
        ? null
        : Base64Url.EncodeToString(SHA256.HashData(Certificate.RawDataMemory.Span));

    public string? this[string parameter] => Form.GetValueOrDefault(parameter);

    /// <summary>Reads the form, or says what is wrong with it.</summary>
    public static async Task<(OAuthRequest? Request, OAuthRefusal? Refusal)> ReadAsync(
        HttpContext context, CancellationToken cancellationToken)
    {
        var request = context.Request;
        if (!request.HasFormContentType || request.ContentType?.StartsWith(
            "application/x-www-form-urlencoded", StringComparison.OrdinalIgnoreCase) != true)
            return (null, OAuthRefusal.InvalidRequest("Send application/x-www-form-urlencoded."));
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
            limit.MaxRequestBodySize = FormBytesMax;
        IFormCollection form;
        try
        {
            var options = new FormOptions
            {
                BufferBodyLengthLimit = FormBytesMax, ValueCountLimit = ParametersMax, KeyLengthLimit = 128,
                ValueLengthLimit = FormBytesMax,
            };
            form = await new FormFeature(request, options).ReadFormAsync(cancellationToken);
        }
        catch (Exception e) when (e is BadHttpRequestException or InvalidDataException)
        {
            return (null, OAuthRefusal.InvalidRequest(
                $"The form is damaged, or over {FormBytesMax} bytes or {ParametersMax} parameters."));
        }
        if (form.Any(p => p.Value.Count > 1))
            return (null, OAuthRefusal.InvalidRequest("A parameter is there twice."));
        var values = form.Where(p => !string.IsNullOrEmpty(p.Value))
            .ToDictionary(p => p.Key, p => p.Value.ToString(), StringComparer.Ordinal);
        var header = request.Headers.Authorization.ToString();
        return (new OAuthRequest(values, AddressOf(context),
            context.Features.Get<ITlsConnectionFeature>()?.ClientCertificate, context.Features.Get<Caller>(),
            header.Length == 0 ? null : header.Split(' ')[0]), null);
    }

    /// <summary>Whose request this is, for limits.</summary>
    public static string AddressOf(HttpContext context)
    {
        var address = context.Connection.RemoteIpAddress ?? IPAddress.None;
        if (address.IsIPv4MappedToIPv6)
            address = address.MapToIPv4();
        if (address.AddressFamily != AddressFamily.InterNetworkV6)
            return address.ToString();
        var bytes = address.GetAddressBytes();
        bytes.AsSpan(8).Clear(); // a household has 2^64 of them
        return new IPAddress(bytes) + "/64";
    }
}
