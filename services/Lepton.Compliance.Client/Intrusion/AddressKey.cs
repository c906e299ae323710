using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Lepton.Compliance.Client.Intrusion;

/// <summary>
/// Whom an address stands for: an IPv4 address, or an IPv6 network of 64 bits, of which one host has every address
/// (RFC 4291, 2.5.1).
/// </summary>
internal readonly record struct AddressKey(UInt128 Bits, bool IsV6)
{
    private const int HostBits = 64;

    /// <summary>The key; null for no address.</summary>
    public static AddressKey? Of(IPAddress? address)
    {
        if (address is null)
            return null;
        (UInt128 bits, bool v6) = BitsOf(address);
        return new AddressKey(v6 ? bits >> HostBits << HostBits : bits, v6);
    }

    /// <summary>All bits of an address, IPv4 as its 32 whether mapped into IPv6 or not.</summary>
    public static (UInt128 Bits, bool IsV6) BitsOf(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        if (!address.TryWriteBytes(bytes, out int length))
            throw new ArgumentException("An IP address has 4 or 16 bytes.", nameof(address));
        return address.AddressFamily == AddressFamily.InterNetwork
            ? (BinaryPrimitives.ReadUInt32BigEndian(bytes[..length]), false)
            : address.IsIPv4MappedToIPv6
                ? (BinaryPrimitives.ReadUInt32BigEndian(bytes[12..]), false)
                : (BinaryPrimitives.ReadUInt128BigEndian(bytes), true);
    }

    /// <summary><c>203.0.113.7</c> or <c>2001:db8::/64</c>.</summary>
    public override string ToString()
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, Bits);
        return IsV6 ? $"{new IPAddress(bytes)}/{HostBits}" : new IPAddress(bytes[12..]).ToString();
    }
}
