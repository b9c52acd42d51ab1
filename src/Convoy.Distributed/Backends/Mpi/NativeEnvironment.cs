using System.Runtime.InteropServices;

namespace Convoy.Distributed.Backends.Mpi;

/// <summary>The environment as native libraries see it: what .NET sets in its own copy they do not.</summary>
internal static class NativeEnvironment
{
    /// <summary>Sets a variable for native libraries; call it before another thread reads the environment.</summary>
    /// <param name="name">The variable.</param>
    /// <param name="value">Its value; may be empty.</param>
    /// <param name="overwrites">Whether a value that is there is replaced.</param>
    public static void Set(string name, string value, bool overwrites = true) => _ = setenv(name, value, overwrites ? 1 : 0);

    /// <summary>A variable's value as native libraries see it; null: it is not set.</summary>
    public static string? Get(string name) => Marshal.PtrToStringUTF8(getenv(name));

    /// <summary>Removes a variable for native libraries; see <see cref="Set"/>.</summary>
    public static void Unset(string name) => _ = unsetenv(name);

#pragma warning disable IDE1006 // The C library's names.
    [DllImport("libc", ExactSpelling = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int setenv([MarshalAs(UnmanagedType.LPUTF8Str)] string name, [MarshalAs(UnmanagedType.LPUTF8Str)] string value, int overwrite);

    [DllImport("libc", ExactSpelling = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern nint getenv([MarshalAs(UnmanagedType.LPUTF8Str)] string name);

    [DllImport("libc", ExactSpelling = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int unsetenv([MarshalAs(UnmanagedType.LPUTF8Str)] string name);
#pragma warning restore IDE1006
}
