using System.Globalization;
using System.Text;

namespace Aspire.Hosting.ApplicationModel;

public class ReferenceExpressionBuilder
{
    private readonly StringBuilder format = new();
    private readonly List<IValueProvider> providers = [];
    private readonly List<string?> formats = [];

    public bool IsEmpty => format.Length == 0;

    public void AppendLiteral(string value)
        => format.Append(DoubleBraces(value));

    public void AppendFormatted(string? value)
    {
        if (value is not null)
            AppendLiteral(value);
    }

    public void AppendFormatted(string? value, string? format = null)
        => AppendFormatted(format is "uri" && value is not null ? Uri.EscapeDataString(value) : value);

    public void AppendFormatted<T>(T valueProvider)
        where T : IValueProvider, IManifestExpressionProvider
        => AppendFormatted(valueProvider, null);

    public void AppendFormatted<T>(T valueProvider, string? format)
        where T : IValueProvider, IManifestExpressionProvider
    {
        // An inner expression is taken in place: its literals and values become this one's.
        if (valueProvider is ReferenceExpression inner)
        {
            object[] renumbered = [.. inner.ValueProviders.Select((_, i) => $"{{{providers.Count + i}}}")];
            this.format.Append(string.Format(
                CultureInfo.InvariantCulture,
                inner.Format.Replace("{{", "{{{{", StringComparison.Ordinal)
                    .Replace("}}", "}}}}", StringComparison.Ordinal),
                renumbered));
            providers.AddRange(inner.ValueProviders);
            formats.AddRange(inner.StringFormats);
            return;
        }

        this.format.Append(CultureInfo.InvariantCulture, $"{{{providers.Count}}}");
        providers.Add(valueProvider);
        formats.Add(format);
    }

    private static string DoubleBraces(string text)
        => text.Replace("{", "{{", StringComparison.Ordinal).Replace("}", "}}", StringComparison.Ordinal);

    public ReferenceExpression Build() => new(format.ToString(), [.. providers], [.. formats]);
}
