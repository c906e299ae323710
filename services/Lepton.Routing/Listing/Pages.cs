using System.Text;
using Lepton.Routing.Gateway;

namespace Lepton.Routing.Listing;

/// <summary>
/// Cuts ordered lists into pages. A token names its listing and the last key given, so that changes between pages
/// neither repeat nor skip what stayed.
/// </summary>
internal static class Pages
{
    private const int SizeDefault = 100, SizeMax = 1000;

    public static (IReadOnlyList<TWire> Page, string Next) Cut<T, TWire>(
        string listing, int size, string token, IReadOnlyList<T> ordered, Func<T, string> key, Func<T, TWire> convert)
    {
        if (size is < 0 or > SizeMax)
            throw GatewayErrors.FieldInvalid("page_size", $"takes 0 to {SizeMax}; 0 means {SizeDefault}");
        string after = token.Length == 0 ? "" : Decode(listing, token);
        List<TWire> page = [];
        string last = "";
        foreach (T item in ordered)
        {
            string at = key(item);
            if (token.Length > 0 && string.CompareOrdinal(at, after) <= 0)
                continue;
            if (page.Count == (size == 0 ? SizeDefault : size))
                return (page, Convert.ToBase64String(Encoding.UTF8.GetBytes($"{listing}\0{last}")));
            page.Add(convert(item));
            last = at;
        }
        return (page, "");
    }

    private static string Decode(string listing, string token)
    {
        Span<byte> bytes = stackalloc byte[1024];
        if (!Convert.TryFromBase64String(token, bytes, out int length))
            throw GatewayErrors.PageTokenInvalid();
        string[] parts = Encoding.UTF8.GetString(bytes[..length]).Split('\0');
        return parts is [var name, var after] && name == listing ? after : throw GatewayErrors.PageTokenInvalid();
    }
}
