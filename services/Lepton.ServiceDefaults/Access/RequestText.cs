using System.Globalization;
using System.Text;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace Lepton.ServiceDefaults;

/// <summary>
/// A text with fields of a request in it: <c>nodes/{node}</c>, <c>models/{model.name}</c>. Scalar fields only; what is
/// not set is empty.
/// </summary>
public sealed class RequestText
{
    private readonly string[] _parts; // words and fields in turn, words first

    private RequestText(string[] parts) => _parts = parts;

    /// <summary>No text.</summary>
    public static RequestText Empty { get; } = new([""]);

    /// <summary>Reads the template.</summary>
    /// <exception cref="FormatException">A brace without its other half.</exception>
    public static RequestText Parse(string template)
    {
        ArgumentNullException.ThrowIfNull(template);
        if (template.Length == 0)
            return Empty;
        List<string> parts = [];
        var at = 0;
        while (template.IndexOf('{', at) is var open and >= 0)
        {
            var close = template.IndexOf('}', open);
            if (close < 0)
                throw new FormatException($"'{template}' takes a closing brace for each opening one.");
            parts.Add(template[at..open]);
            parts.Add(template[(open + 1)..close]);
            at = close + 1;
        }
        parts.Add(template[at..]);
        return new RequestText([.. parts]);
    }

    /// <summary>The text for one request; null: nothing of it is known, and fields are empty.</summary>
    public string Of(IMessage? request)
    {
        if (_parts.Length == 1)
            return _parts[0];
        var text = new StringBuilder();
        for (var i = 0; i < _parts.Length; i++)
            text.Append(i % 2 == 0 ? _parts[i] : ValueOf(request, _parts[i]));
        return text.ToString();
    }

    /// <summary>The first field that such a message does not have; null: it has all.</summary>
    public string? Unknown(MessageDescriptor type)
    {
        ArgumentNullException.ThrowIfNull(type);
        for (var i = 1; i < _parts.Length; i += 2)
        {
            var at = type;
            foreach (var name in _parts[i].Split('.'))
            {
                if (at?.FindFieldByName(name) is not { IsRepeated: false } field)
                    return _parts[i];
                at = field.FieldType == FieldType.Message ? field.MessageType : null;
            }
        }
        return null;
    }

    private static string ValueOf(IMessage? request, string path)
    {
        object? at = request;
        foreach (var name in path.Split('.'))
            at = at is IMessage message ? message.Descriptor.FindFieldByName(name)?.Accessor.GetValue(message) : null;
        return Convert.ToString(at, CultureInfo.InvariantCulture) ?? "";
    }
}
