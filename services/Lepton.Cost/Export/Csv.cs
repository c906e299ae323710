using System.Text;

namespace Lepton.Cost.Export;

/// <summary>Comma-separated values by RFC 4180, UTF-8. Null is an empty field; an empty text is written as
/// "".</summary>
internal static class Csv
{
    /// <summary>Characters of one field when reading.</summary>
    public const int FieldMax = 1 << 20;

    /// <summary>Fields of one record when reading.</summary>
    public const int FieldsMax = 1_000;

    /// <summary>Writes a record, with CRLF.</summary>
    public static void Write(TextWriter writer, IEnumerable<string?> fields)
    {
        var first = true;
        foreach (var field in fields)
        {
            if (!first)
                writer.Write(',');
            first = false;
            if (field is null)
                continue;
            if (field.Length > 0 && field.AsSpan().IndexOfAny(",\"\r\n") < 0)
                writer.Write(field);
            else
                writer.Write($"\"{field.Replace("\"", "\"\"", StringComparison.Ordinal)}\"");
        }
        writer.Write("\r\n");
    }

    /// <summary>Reads records; null where a field is empty without quotation marks.</summary>
    /// <exception cref="FormatException">It is no CSV; names the record.</exception>
    public static IEnumerable<IReadOnlyList<string?>> Read(TextReader reader)
    {
        List<string?> record = [];
        StringBuilder field = new();
        var number = 1;
        while (reader.Peek() >= 0)
        {
            var isQuoted = reader.Peek() == '"';
            field.Clear();
            if (isQuoted)
                ReadQuoted(reader, field, number);
            else
                while (reader.Peek() is >= 0 and not ',' and not '\r' and not '\n')
                    Append(field, (char)reader.Read(), number);
            record.Add(isQuoted || field.Length > 0 ? field.ToString() : null);
            if (record.Count > FieldsMax)
                throw new FormatException($"record {number}: takes at most {FieldsMax} fields");
            switch (reader.Read())
            {
                case ',':
                    if (reader.Peek() is < 0 or '\r' or '\n')
                    {
                        record.Add(null);
                        SkipEnd(reader, reader.Read(), number);
                        break;
                    }
                    continue;
                case var end:
                    SkipEnd(reader, end, number);
                    break;
            }
            yield return record;
            record = [];
            number++;
        }
    }

    private static void ReadQuoted(TextReader reader, StringBuilder field, int number)
    {
        reader.Read();
        while (true)
        {
            var c = reader.Read();
            if (c < 0)
                throw new FormatException($"record {number}: a quotation mark is not closed");
            if (c == '"')
            {
                if (reader.Peek() != '"')
                    return;
                reader.Read();
            }
            Append(field, (char)c, number);
        }
    }

    private static void Append(StringBuilder field, char c, int number)
    {
        if (field.Length >= FieldMax)
            throw new FormatException($"record {number}: a field takes at most {FieldMax} characters");
        field.Append(c);
    }

    private static void SkipEnd(TextReader reader, int end, int number)
    {
        if (end == '\r' && reader.Peek() == '\n')
            reader.Read();
        else if (end is not (< 0 or '\n' or '\r'))
            throw new FormatException($"record {number}: takes a comma or a line's end after a quotation mark");
    }
}
