using System.Buffers.Binary;
using System.Text;

namespace Lepton.Sync.Backup.Wire;

/// <summary>A message of the server (PostgreSQL 18, chapter 54.7). Its body is valid until the next is read.</summary>
/// <param name="Type">The first byte.</param>
/// <param name="Body">What follows the length.</param>
internal readonly record struct ServerMessage(char Type, ReadOnlyMemory<byte> Body)
{
    /// <summary>The columns of a DataRow; null: NULL.</summary>
    public IReadOnlyList<string?> Row()
    {
        var rest = Body.Span;
        var columns = new string?[BinaryPrimitives.ReadInt16BigEndian(rest)];
        rest = rest[2..];
        for (var i = 0; i < columns.Length; i++)
        {
            var length = BinaryPrimitives.ReadInt32BigEndian(rest);
            rest = rest[4..];
            if (length < 0)
                continue;
            columns[i] = Encoding.UTF8.GetString(rest[..length]);
            rest = rest[length..];
        }
        return columns;
    }

    /// <summary>The server's refusal as an ErrorResponse holds it.</summary>
    public ServerRefusal Refusal()
    {
        var (state, text) = ("", "");
        for (var rest = Body.Span; rest.Length > 1 && rest[0] != 0;)
        {
            var end = rest.IndexOf((byte)0);
            if (end < 0)
                break;
            var value = Encoding.UTF8.GetString(rest[1..end]);
            if (rest[0] == (byte)'C')
                state = value;
            if (rest[0] == (byte)'M')
                text = value;
            rest = rest[(end + 1)..];
        }
        return new ServerRefusal(state, text);
    }

    /// <summary>The string that begins at an offset, up to its zero byte.</summary>
    public string Text(int offset)
    {
        var rest = Body.Span[offset..];
        var end = rest.IndexOf((byte)0);
        return Encoding.UTF8.GetString(end < 0 ? rest : rest[..end]);
    }
}

/// <param name="SqlState">Five characters.</param>
/// <param name="Message">The server's words.</param>
internal readonly record struct ServerRefusal(string SqlState, string Message);
